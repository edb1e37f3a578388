// See `run`, beside this file.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { compare, judge, load, modes, save } from './expected.mjs'
import { install } from './install.mjs'
import { closePass, openPass, runTests } from './pass.mjs'
import { stopAll } from './processes.mjs'
import { findSuite, listTests } from './suite.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const root = path.resolve(here, '..', '..')
const rounds = 2 // how often a test that differs is run again, alone
const mostAgain = 20 // so many differences are no accident
const mostLines = 60

class Usage extends Error {}

function readArguments () {
  const options = {
    suite: { type: 'string' },
    freshet: { type: 'string', default: path.join(root, 'build', 'release', 'freshet') },
    mode: { type: 'string', multiple: true },
    id: { type: 'string', multiple: true },
    update: { type: 'boolean' },
    'write-docs': { type: 'boolean' }
  }
  let values
  try {
    values = parseArgs({ options }).values
  } catch (error) {
    throw new Usage(error.message)
  }
  values.mode ??= modes
  const strange = values.mode.find(mode => !modes.includes(mode))
  if (strange !== undefined) throw new Usage(`no mode ${strange}; there are ${modes.join(' and ')}`)
  if (values.update && (values.id !== undefined || values.mode.length < modes.length)) throw new Usage('--update needs every test in both modes')
  return values
}

// Tests whose outcome is not the expected one; where nothing is expected yet, those that fail.
function suspects (expected, outcomes, mode) {
  const { broken, unknown } = compare(expected, outcomes, mode)
  return [...broken.filter(each => each.now !== 'not run'), ...unknown.filter(each => each.now === 'fail')].map(each => each.id)
}

// What the suite says of a test that did not pass, to be put behind its outcome.
function whyNot (result, outcome) {
  if (outcome === 'pass' || outcome === 'yes' || outcome === 'not run') return ''
  return result === true ? ' (a test that it depends on does not pass)' : ` (${result.join(': ')})`
}

// Runs all tests in one mode; what differs from the expectation runs again alone before it counts, for the tests are about
// seconds, and a machine that is busy can miss one. Returns {results, outcomes, again}.
async function runMode (suite, tests, expected, mode, freshet) {
  const pass = await openPass(suite, mode, freshet)
  const results = await runTests(pass)
  let outcomes = judge(tests, results, mode)
  const again = new Map() // id -> what it said first
  for (let round = 1; round <= rounds; ++round) {
    const ids = suspects(expected, outcomes, mode)
    if (ids.length > mostAgain) break
    for (const id of ids) {
      if (!again.has(id)) again.set(id, `${outcomes[id]}${whyNot(results[id], outcomes[id])}`)
      Object.assign(results, await runTests(pass, { ids: [id] }))
    }
    outcomes = judge(tests, results, mode)
  }
  await closePass(pass)
  return { mode, results, outcomes, again }
}

function list (title, lines) {
  if (lines.length === 0) return
  console.log(title)
  for (const line of lines.slice(0, mostLines)) console.log(`  ${line}`)
  if (lines.length > mostLines) console.log(`  and ${lines.length - mostLines} more`)
}

function printTotals (tests, { mode, outcomes }) {
  const totals = {}
  for (const [id, outcome] of Object.entries(outcomes)) {
    const { kind } = tests.get(id)
    totals[kind] ??= { good: 0, all: 0 }
    totals[kind].all++
    if (outcome === 'pass' || outcome === 'yes') totals[kind].good++
  }
  const said = ['required', 'optimal', 'check'].map(kind => `${kind} ${totals[kind]?.good ?? 0} of ${totals[kind]?.all ?? 0}`)
  console.log(`${mode}: ${said.join(', ')}`)
}

// Returns whether the expectation held.
function report (tests, expected, run) {
  const { mode, results, outcomes, again } = run
  const { broken, better, unknown } = compare(expected, outcomes, mode)
  const why = (id, now) => whyNot(results[id], now)
  printTotals(tests, run)
  list('run again alone, for they differed at first:', [...again].map(([id, first]) => `${id}: ${first}; then ${outcomes[id]}`))
  list(`STOPPED PASSING, or answers otherwise (${mode}):`, broken.map(({ id, before, now }) => `${id}: ${before} -> ${now}${why(id, now)}`))
  list('passes now; refresh the expectation with --update:', better.map(({ id }) => id))
  list('not in the expectation:', unknown.map(({ id, now }) => `${id}: ${now}${why(id, now)}`))
  return broken.length === 0
}

async function trace (suite, tests, expected, { id: ids, mode: asked, freshet }) {
  for (const id of ids) if (!tests.has(id)) throw new Usage(`the suite has no test ${id}`)
  let good = true
  for (const mode of asked) {
    const pass = await openPass(suite, mode, freshet, { trace: true })
    for (const id of ids.filter(each => tests.get(each).modes.includes(mode))) {
      const { [id]: result } = await runTests(pass, { ids: [id], trace: true })
      console.log(`${mode} ${id}: ${result === true ? 'good' : result.join(': ')} (expected: ${expected.tests[id]?.[mode]})`)
      good &&= result === true
    }
    await closePass(pass)
  }
  return good
}

function writeDocs () {
  const written = spawnSync('python3', ['-B', path.join(here, 'document.py'), '--write'], { stdio: 'inherit' })
  if (written.status !== 0) throw new Error('docs/conformance.md could not be made')
}

async function main () {
  const options = readArguments()
  if (options['write-docs'] && !options.update) return writeDocs()
  if (!fs.existsSync(options.freshet)) throw new Error(`${options.freshet} is not there; build it, or name it with --freshet`)
  if (options.suite === undefined) install()
  const suite = findSuite(options.suite)
  const tests = await listTests(suite)
  const expected = load(suite.expected)
  if (options.id !== undefined) {
    process.exitCode = await trace(suite, tests, expected, options) ? 0 : 1
    return
  }

  const started = Date.now()
  console.log(`conformance: ${tests.size} tests of the ${suite.kind} suite (${suite.version}), ${options.mode.join(' and ')}`)
  if (expected.version !== suite.version) console.log(`the expectation was recorded with ${expected.version ?? 'no version yet'}`)
  const runs = await Promise.all(options.mode.map(mode => runMode(suite, tests, expected, mode, options.freshet)))
  const held = runs.map(run => report(tests, expected, run)).every(Boolean)
  console.log(`conformance: ${held ? 'as expected' : 'NOT as expected'}, ${Math.round((Date.now() - started) / 1000)} s`)
  if (options.update) {
    save(suite.expected, suite.version, tests, Object.fromEntries(runs.map(run => [run.mode, run.outcomes])))
    console.log(`written: ${path.relative(process.cwd(), suite.expected)}`)
    writeDocs()
  } else if (!held) {
    process.exitCode = 1
  }
}

let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    interrupted = true
    stopAll().finally(() => process.exit(130))
  })
}
try {
  await main()
} catch (error) {
  if (!interrupted) console.error(`conformance: ${error.message}`)
  process.exitCode = error instanceof Usage ? 2 : 3
} finally {
  await stopAll()
}
