// One pass: the suite's origin, Freshet in front of it, and the suite's tests through it.
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { awaitFrom, scratchFolder, start, stop } from './processes.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const startSeconds = 20
const testsSeconds = 300

const firstMessage = child => new Promise(resolve => child.once('message', resolve))

// The address in the line that Freshet prints for its listener, as soon as that line is complete.
function listeningAddress (child) {
  return new Promise(resolve => {
    child.stderr.on('data', () => {
      const line = /proxy.* on (127\.0\.0\.1:\d+)\n/.exec(child.said)
      if (line !== null) resolve(line[1])
    })
  })
}

// Starts origin and Freshet for `mode`. The origin first: a proxy may look at it as soon as it starts.
export async function openPass (suite, mode, freshet, { trace = false } = {}) {
  const pidFile = path.join(scratchFolder(), `${mode}.pid`)
  const origin = start(path.join(here, 'origin.mjs'), [suite.server, pidFile], { module: true, show: trace })
  const { port } = await awaitFrom(origin, 'the origin', startSeconds, firstMessage(origin))
  const proxy = start(freshet, ['run', '-c', path.join(here, `${mode}.yaml`)], { environment: { ORIGIN_PORT: String(port) } })
  const address = await awaitFrom(proxy, freshet, startSeconds, listeningAddress(proxy))
  return { suite, mode, origin, proxy, originUrl: `http://127.0.0.1:${port}`, proxyUrl: `http://${address}` }
}

// Runs the tests of `ids` (all without) and returns the suite's results: id -> true or [error, message].
export async function runTests (pass, { ids, trace = false } = {}) {
  const { suite, mode, originUrl, proxyUrl } = pass
  const where = mode === 'forward' ? { base: originUrl, proxy: proxyUrl } : { base: proxyUrl }
  const client = start(path.join(here, 'client.mjs'), [], { module: true, show: trace })
  client.send({ suite, mode, ids, trace, ...where })
  const answer = await awaitFrom(client, 'the tests', testsSeconds, Promise.race([firstMessage(client), crashOf(pass)]))
  await client.ended
  if (answer.error !== undefined) throw new Error(`the suite failed: ${answer.error}\n${client.said}`)
  return answer.results
}

async function crashOf (pass) {
  const how = await Promise.race([pass.proxy.ended, pass.origin.ended])
  throw new Error(`${pass.mode}: Freshet or the origin ended while tests were running: ${how}\n${pass.proxy.said}${pass.origin.said}`)
}

export async function closePass (pass) {
  await stop(pass.proxy)
  await stop(pass.origin)
}
