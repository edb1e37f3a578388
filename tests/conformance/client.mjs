// A child process: runs tests of the suite against one proxy. Gets a job, reports {results} and ends.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

import { isAsked } from './suite.mjs'
import { goThrough } from './through_proxy.mjs'

// job: suite, mode, base (URL of the origin as the tests name it), proxy (URL, or nothing), ids (or nothing for all), trace.
async function run ({ suite, mode, base, proxy, ids, trace }) {
  const undici = createRequire(import.meta.url)(suite.undici)
  if (proxy !== undefined) goThrough(undici, proxy)
  undici.setGlobalDispatcher(new undici.Agent())
  globalThis.fetch = undici.fetch

  const groups = (await import(pathToFileURL(suite.tests))).default
  const chosen = groups.map(group => ({
    ...group,
    tests: group.tests.filter(test => isAsked(test, mode) && (ids === undefined || ids.includes(test.id)))
  }))
  if (trace) chosen.forEach(group => group.tests.forEach(test => { test.dump = true }))

  const { runTests, getResults } = await import(pathToFileURL(suite.runner))
  const atOnce = 100
  const fetchIfTaken = suite.takesFetch ? [fetchAsIs(undici)] : []
  await runTests(chosen, ...fetchIfTaken, false, base, atOnce)
  return getResults()
}

// The engine that is given a fetch function asks for cache 'no-store', which would add Cache-Control and Pragma to a request.
function fetchAsIs (undici) {
  return (url, init) => undici.fetch(url, { ...init, cache: 'force-cache' })
}

process.on('disconnect', () => process.exit())
process.once('message', async job => {
  try {
    process.send({ results: await run(job) }, () => process.exit())
  } catch (error) {
    process.send({ error: error.stack }, () => process.exit(1))
  }
})
