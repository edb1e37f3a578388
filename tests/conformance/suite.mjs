// Where the suite keeps things. Its git checkout and its npm package are laid out differently.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))

// The suite in `directory`, or the npm package when there is none. Throws when that is no suite, or not one that can run.
export function findSuite (directory) {
  const root = path.resolve(directory ?? path.join(here, 'node_modules', 'http-cache-tests'))
  const kind = directory === undefined ? 'npm' : 'git'
  const engine = [path.join(root, 'test-engine'), root].find(each => fs.existsSync(path.join(each, 'client', 'runner.mjs')))
  if (engine === undefined) throw new Error(`${root} is no checkout of the suite: it has no client/runner.mjs`)
  const old = engine === root
  if (directory !== undefined && old) throw new Error(`${root} has the layout of the npm package; leave out --suite for that one`)
  const suite = {
    kind,
    root,
    runner: path.join(engine, 'client', 'runner.mjs'),
    server: path.join(engine, 'server', 'server.mjs'),
    tests: path.join(root, 'tests', 'index.mjs'),
    // The old engine is given its fetch function as the second argument; the new one takes the global one.
    takesFetch: old,
    expected: path.join(here, `expected-${kind}.json`)
  }
  suite.version = kind === 'npm' ? requireFrom(root)('./package.json').version : commitOf(root)
  // The suite's own undici where it has one: its tests of interim responses use it, and one process must not mix two.
  suite.undici = resolveUndici(kind === 'git' ? root : here)
  return suite
}

function requireFrom (directory) {
  return createRequire(path.join(directory, 'package.json'))
}

function commitOf (root) {
  try {
    return execFileSync('git', ['-C', root, 'rev-parse', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}

function resolveUndici (directory) {
  try {
    return requireFrom(directory).resolve('undici')
  } catch {
    throw new Error(`undici is missing in ${directory}: run \`npm ci --omit=dev --ignore-scripts\` there`)
  }
}

// Whether a test is asked of a proxy in this mode ('reverse' or 'forward').
// CDN-Cache-Control speaks to caches that work for the origin (RFC 9213 3).
export function isAsked (test, mode) {
  return test.browser_only !== true && !(mode === 'forward' && test.cdn_only === true)
}

// Every test that is asked in at least one mode, by id: group, kind, name and the ids it depends on.
export async function listTests (suite) {
  const groups = (await import(pathToFileURL(suite.tests))).default
  const found = new Map()
  for (const group of groups) {
    for (const test of group.tests) {
      if (!isAsked(test, 'reverse')) continue
      found.set(test.id, {
        group: group.id,
        kind: test.kind ?? 'required',
        name: test.name,
        dependsOn: test.depends_on ?? [],
        modes: ['reverse', 'forward'].filter(mode => isAsked(test, mode))
      })
    }
  }
  return found
}
