// Run by uploaders.ts. Prints what Node's own client has read of the answers.
import { request } from 'node:http'
import { connect, constants } from 'node:http2'
import { request as requestHttps } from 'node:https'
import { certificate } from './certificate.ts'
import type { Uploads } from './uploaders.ts'

const uploads = JSON.parse(process.argv[2] as string) as Uploads
const { port, protocol, routes, framing, times, bytes = 16 * 2 ** 20 } = uploads
const body = Buffer.alloc(bytes, 'x')
const length = framing === 'chunked' ? {} : { 'content-length': body.length }

function overHttp1(path: string, type: string): Promise<unknown> {
  const headers = { 'content-type': type, ...length }
  const options = { host: '127.0.0.1', port, path, method: 'POST', headers, agent: false } as const
  const req =
    protocol === 'https'
      ? requestHttps({ ...options, ca: certificate.cert, servername: 'localhost' })
      : request(options)
  return new Promise(resolve => {
    // What comes first: a client that was reset has no status to show.
    req.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    req.on('response', res => {
      res.resume()
      res.on('error', () => resolve('the answer broke off'))
      res.on('end', () => {
        req.destroy()
        resolve(res.statusCode)
      })
    })
    req.end(body)
  })
}

function overHttp2(path: string, type: string): Promise<unknown> {
  // In MB. Node's client resets a stream rather than hold more, and with it the answer.
  const session = connect(`http://127.0.0.1:${port}`, { maxSessionMemory: 100 })
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': type, ...length })
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

const upload = protocol === 'http2' ? overHttp2 : overHttp1
const read: Record<string, unknown[]> = {}
for (const { path, type } of routes) {
  const seen: unknown[] = []
  for (let n = 0; n < times; n++) seen.push(await upload(path, type))
  read[path] = seen
}
console.log(JSON.stringify(read))
