// Reads requests with Node's own HTTP server, whose parser is llhttp. One line in, one line out, as JSON:
//   in:  {"pieces": [base64...]} what one connection carried, as it came: what comes together with a request for an Upgrade is
//        not HTTP to Node, what comes later is
//   out: {"requests": [{"method", "target", "fields": [[name, value]...], "body": base64, "trailers": [...]}], "error": text or null}
// A request that is not complete when the bytes end is not among them.
import http from 'node:http'
import readline from 'node:readline'
import { Duplex } from 'node:stream'

const pairs = list => Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i].toLowerCase(), list[2 * i + 1]])

// A connection; what the server answers goes nowhere.
class Recorded extends Duplex {
  _read () {}
  _write (chunk, encoding, done) { done() }
  setTimeout () { return this }
}

// Until the server has done all that it does with what it has: the end of a connection would cut off what is still on its way
// from the parser to us.
async function settled (progress) {
  for (let still = 0, seen = progress(); still < 5; still++) {
    await new Promise(resolve => setImmediate(resolve))
    if (progress() !== seen) still = 0
    seen = progress()
  }
}

async function read (pieces) {
  const server = http.createServer({ insecureHTTPParser: false, maxHeaderSize: 1 << 20, requireHostHeader: true })
  server.maxRequestsPerSocket = 0
  const requests = []
  let error = null
  let events = 0
  const take = (request, response) => {
    const body = []
    request.on('data', piece => { events += 1; body.push(piece) })
    request.on('error', () => {})
    request.on('end', () => {
      requests.push({
        method: request.method,
        target: request.url,
        fields: pairs(request.rawHeaders),
        body: Buffer.concat(body).toString('base64'),
        trailers: pairs(request.rawTrailers)
      })
      response.end()
    })
  }
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, take)
  server.on('clientError', failure => { error ??= `${failure.code} ${failure.reason ?? failure.message}` })
  const connection = new Recorded()
  server.emit('connection', connection)
  for (const piece of pieces) {
    connection.push(piece)
    await settled(() => `${requests.length} ${events}`)
  }
  const found = { requests: [...requests], error }
  connection.on('error', () => {})
  connection.destroy()
  return found
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { pieces } = JSON.parse(line)
  console.log(JSON.stringify(await read(pieces.map(piece => Buffer.from(piece, 'base64')))))
}
