// Sends what a process fetches through a forward proxy, in the absolute form of RFC 9112 3.2.2.
//
// Node's fetch() takes no notice of HTTP_PROXY, and undici's ProxyAgent may open a CONNECT tunnel, which no cache sees into.
// The tests of interim responses make an Agent of their own, so the class itself is exchanged in the module.

// `undici` is the module object that require() gives, not yet seen by any import().
export function goThrough (undici, proxy) {
  class ThroughProxy extends undici.Agent {
    dispatch (request, handler) {
      const origin = new URL(request.origin)
      return super.dispatch({
        ...request,
        origin: proxy,
        path: origin.origin + request.path,
        headers: withHost(request.headers, origin.host)
      }, handler)
    }
  }
  undici.Agent = ThroughProxy
}

// undici takes field lines as [name, value, name, value...], as pairs, or as an object.
function withHost (headers, host) {
  if (headers === undefined || headers === null) return { host }
  if (!Array.isArray(headers)) return { host, ...headers }
  return Array.isArray(headers[0]) ? [['host', host], ...headers] : ['host', host, ...headers]
}
