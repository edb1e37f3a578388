// What the tests are expected to say, and how a run differs from it.
//
// A test of kind required or optimal ends in 'pass' or 'fail'; a check, which has no right answer, in 'yes' or 'no'.
import fs from 'node:fs'

export const modes = ['reverse', 'forward']

// The outcome of each test that `mode` asks, by id. As on the suite's own site, a test whose prerequisites did not pass has
// shown nothing: it counts as not passed.
export function judge (tests, results, mode) {
  const known = new Map()
  const passed = id => {
    if (!known.has(id)) {
      known.set(id, false)
      const test = tests.get(id)
      known.set(id, results[id] === true && (test?.dependsOn ?? []).every(passed))
    }
    return known.get(id)
  }
  const outcomes = {}
  for (const [id, test] of tests) {
    if (!test.modes.includes(mode)) continue
    const [good, bad] = test.kind === 'check' ? ['yes', 'no'] : ['pass', 'fail']
    outcomes[id] = passed(id) ? good : bad
  }
  return outcomes
}

// Differences between the outcomes of one mode and the expectation:
//   broken: a test that passed and does not; a check whose answer is another; a test that was not run
//   better: a test that passes and did not;  unknown: a test that the expectation does not have
export function compare (expected, outcomes, mode) {
  const found = { broken: [], better: [], unknown: [] }
  for (const [id, outcome] of Object.entries(outcomes)) {
    const before = expected.tests[id]?.[mode]
    if (before === undefined) found.unknown.push({ id, now: outcome })
    else if (before === 'fail' && outcome === 'pass') found.better.push({ id, before, now: outcome })
    else if (before !== outcome) found.broken.push({ id, before, now: outcome })
  }
  for (const [id, test] of Object.entries(expected.tests)) {
    if (test[mode] !== undefined && outcomes[id] === undefined) found.broken.push({ id, before: test[mode], now: 'not run' })
  }
  return found
}

// A file that is not there yet expects nothing.
export function load (file) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : { tests: {} }
}

// One line for each test, in the suite's order. `outcomes`: mode -> id -> outcome.
export function save (file, version, tests, outcomes) {
  const lines = [...tests].map(([id, { group, kind, name }]) => {
    const said = Object.fromEntries(modes.filter(mode => id in outcomes[mode]).map(mode => [mode, outcomes[mode][id]]))
    return `    ${JSON.stringify(id)}: ${JSON.stringify({ group, kind, ...said, name: name.replace(/\s+/g, ' ').trim() })}`
  })
  fs.writeFileSync(file, `{\n  "version": ${JSON.stringify(version)},\n  "tests": {\n${lines.join(',\n')}\n  }\n}\n`)
}
