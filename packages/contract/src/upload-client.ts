// Run as a process of its own, since a client that shares the server's event loop reads its answer before it could
// be reset. Uploads 32 MiB some times with Node's own client, and prints what it has read each time.
import { request } from 'node:http'
import { connect, constants } from 'node:http2'
import { request as requestHttps } from 'node:https'
import { certificate } from './certificate.ts'

const [protocol, port, framing, times] = process.argv.slice(2)
const body = Buffer.alloc(32 * 2 ** 20)
const headers = {
  'content-type': 'application/octet-stream',
  ...(framing !== 'chunked' && { 'content-length': body.length }),
}

function overHttp1(): Promise<unknown> {
  const options = { host: '127.0.0.1', port, path: '/length', method: 'POST', headers, agent: false }
  const req =
    protocol === 'https'
      ? requestHttps({ ...options, agent: false, ca: certificate.cert, servername: 'localhost' })
      : request({ ...options, agent: false })
  return new Promise(resolve => {
    // What comes first: a client that was reset has no status to show.
    req.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    req.on('response', res => {
      res.resume()
      res.on('end', () => {
        req.destroy()
        resolve(res.statusCode)
      })
      res.on('error', () => resolve('the answer broke off'))
    })
    req.end(body)
  })
}

function overHttp2(): Promise<unknown> {
  // In MB. Node's client resets a stream rather than hold more, and with it the answer.
  const session = connect(`http://127.0.0.1:${port}`, { maxSessionMemory: 100 })
  const stream = session.request({ ':method': 'POST', ':path': '/length', ...headers })
  return new Promise(resolve => {
    const over = (outcome: unknown): void => {
      session.destroy()
      resolve(outcome)
    }
    let status: unknown
    session.on('error', (error: NodeJS.ErrnoException) => over(error.code))
    stream.on('error', (error: NodeJS.ErrnoException) => over(error.code))
    stream.on('response', headers => {
      status = headers[constants.HTTP2_HEADER_STATUS]
    })
    stream.on('end', () => over(status))
    stream.resume()
    stream.end(body)
  })
}

const read: unknown[] = []
for (let n = 0; n < Number(times); n++) read.push(await (protocol === 'http2' ? overHttp2() : overHttp1()))
console.log(JSON.stringify(read))
