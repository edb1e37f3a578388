// A child process: the suite's origin, on 127.0.0.1 only, on a port that the system chooses. Reports {port}.
import net from 'node:net'
import { pathToFileURL } from 'node:url'

const [server, pidfile] = process.argv.slice(2)

// The suite says listen(port), which would be every interface.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function () {
  return listen.call(this, 0, '127.0.0.1', () => process.send({ port: this.address().port }))
}
process.on('disconnect', () => process.exit())

Object.assign(process.env, { npm_config_protocol: 'http', npm_config_port: '0', npm_config_pidfile: pidfile })
await import(pathToFileURL(server))
