// Run by uploaders.ts. Prints what Node's own client has read of the answers.
import { request } from 'node:http'
import type { Uploads } from './uploaders.ts'

const { port, routes, framing, times } = JSON.parse(process.argv[2] as string) as Uploads
const body = Buffer.alloc(16 * 2 ** 20, 'x')

async function upload(path: string, type: string): Promise<unknown> {
  const headers = {
    'content-type': type,
    ...(framing === 'chunked' ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length }),
  }
  const req = request({ host: '127.0.0.1', port, path, method: 'POST', headers, agent: false })
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

const read: Record<string, unknown[]> = {}
for (const { path, type } of routes) {
  const seen: unknown[] = []
  for (let n = 0; n < times; n++) seen.push(await upload(path, type))
  read[path] = seen
}
console.log(JSON.stringify(read))
