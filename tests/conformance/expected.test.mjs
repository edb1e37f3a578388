// The judgement of the runner, without suite and proxy: node --test
import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'

import { compare, judge, load, save } from './expected.mjs'

const both = ['reverse', 'forward']
const tests = new Map([
  ['fresh', { group: 'a', kind: 'required', name: 'is reused', dependsOn: [], modes: both }],
  ['later', { group: 'a', kind: 'optimal', name: 'is\n  validated', dependsOn: ['fresh'], modes: both }],
  ['odd', { group: 'b', kind: 'check', name: 'is "odd"', dependsOn: [], modes: ['reverse'] }]
])
const expected = {
  tests: {
    fresh: { reverse: 'pass', forward: 'pass' },
    later: { reverse: 'fail', forward: 'pass' },
    odd: { reverse: 'no' }
  }
}

test('true is pass or yes, anything else is not', () => {
  assert.deepEqual(judge(tests, { fresh: true, later: ['Assertion', 'no'], odd: true }, 'reverse'), { fresh: 'pass', later: 'fail', odd: 'yes' })
})

test('a test shows nothing when one that it depends on does not pass', () => {
  assert.deepEqual(judge(tests, { fresh: ['Setup', 'no'], later: true, odd: ['Assertion', ''] }, 'reverse'),
    { fresh: 'fail', later: 'fail', odd: 'no' })
})

test('a test that a mode does not ask has no outcome', () => {
  assert.deepEqual(judge(tests, { fresh: true, later: true }, 'forward'), { fresh: 'pass', later: 'pass' })
})

test('what is as expected is neither broken nor better', () => {
  assert.deepEqual(compare(expected, { fresh: 'pass', later: 'fail', odd: 'no' }, 'reverse'), { broken: [], better: [], unknown: [] })
})

test('a test that stops passing is broken', () => {
  assert.deepEqual(compare(expected, { fresh: 'fail', later: 'pass' }, 'forward').broken, [{ id: 'fresh', before: 'pass', now: 'fail' }])
})

test('a check that answers otherwise is broken, whichever way', () => {
  assert.deepEqual(compare(expected, { fresh: 'pass', later: 'fail', odd: 'yes' }, 'reverse').broken, [{ id: 'odd', before: 'no', now: 'yes' }])
})

test('a test that was not run is broken', () => {
  assert.deepEqual(compare(expected, { fresh: 'pass' }, 'forward').broken, [{ id: 'later', before: 'pass', now: 'not run' }])
})

test('a test that passes now is better, one that nobody expected unknown', () => {
  const found = compare(expected, { fresh: 'pass', later: 'pass', odd: 'no', more: 'pass' }, 'reverse')
  assert.deepEqual(found, { broken: [], better: [{ id: 'later', before: 'fail', now: 'pass' }], unknown: [{ id: 'more', now: 'pass' }] })
})

test('what is saved is what is loaded, one line for each test', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'freshet-expected-'))
  const file = path.join(folder, 'expected.json')
  try {
    assert.deepEqual(load(file), { tests: {} })
    save(file, '1.2', tests, { reverse: { fresh: 'pass', later: 'fail', odd: 'no' }, forward: { fresh: 'pass', later: 'pass' } })
    assert.deepEqual(load(file), {
      version: '1.2',
      tests: {
        fresh: { group: 'a', kind: 'required', reverse: 'pass', forward: 'pass', name: 'is reused' },
        later: { group: 'a', kind: 'optimal', reverse: 'fail', forward: 'pass', name: 'is validated' },
        odd: { group: 'b', kind: 'check', reverse: 'no', name: 'is "odd"' }
      }
    })
    assert.equal(fs.readFileSync(file, 'utf8').split('\n').filter(line => line.includes('"kind"')).length, tests.size)
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
})
