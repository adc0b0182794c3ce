import { once } from 'node:events'
import http from 'node:http'
import type { Content } from './content.ts'
import type { Outcome } from './outcome.ts'

/** Where requests go and how long one may take. */
export interface Target {
  readonly port: number
  readonly agent: http.Agent
  readonly timeoutMs: number
}

export function upload(target: Target, key: string, content: Content): Promise<Outcome> {
  return exchange(target, 'PUT', key, content.bytes, async request => {
    for (const slice of content.slices()) {
      if (!request.write(slice) && !request.destroyed) await once(request, 'drain')
    }
    request.end()
  })
}

export function download(target: Target, key: string, content: Content): Promise<Outcome> {
  return exchange(target, 'GET', key, 0, request => request.end(), content)
}

/**
 * Sends one request and reads its answer to the end; nothing is retried, and no body is kept.
 * @param expected what the answer must consist of; without it any body will do
 */
function exchange(
  { port, agent, timeoutMs }: Target,
  method: string,
  key: string,
  uploadBytes: number,
  send: (request: http.ClientRequest) => unknown,
  expected?: Content,
): Promise<Outcome> {
  const started = performance.now()
  return new Promise(resolve => {
    const settle = (status: string, bytes = 0, answered = false) =>
      resolve({ status, answered, bytes, latencyMs: performance.now() - started })
    const failed = (error: NodeJS.ErrnoException) => settle(error.code ?? error.message)

    const headers = uploadBytes > 0 ? { 'content-length': uploadBytes } : {}
    const request = http.request({ host: '127.0.0.1', port, agent, method, path: `/objects/${key}`, headers })
    request.setTimeout(timeoutMs, () => request.destroy(new Error('timed out')))
    request.on('error', failed)
    request.on('response', response => {
      let received = 0
      let intact = true
      response.on('data', (chunk: Buffer) => {
        if (expected && intact) intact = expected.matches(chunk, received)
        received += chunk.length
      })
      response.on('error', failed)
      response.on('end', () => {
        const accepted = response.statusCode === 200 || response.statusCode === 201
        if (!accepted) settle(refusal(response))
        else if (expected && received !== expected.bytes) settle('wrong length')
        else if (!intact) settle('wrong content')
        else settle(String(response.statusCode), uploadBytes + received, true)
        // Refused before it was all sent: the answer is what counts, the rest of the body is not.
        if (!request.writableFinished) request.destroy()
      })
    })
    Promise.resolve(send(request)).catch(failed)
  })
}

function refusal({ statusCode, headers }: http.IncomingMessage): string {
  if (statusCode !== 503 || headers['retry-after'] !== undefined) return String(statusCode)
  return '503 without Retry-After'
}
