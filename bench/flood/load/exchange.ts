import { once } from 'node:events'
import http from 'node:http'
import type { Routes } from '../servers.ts'
import type { Content } from './content.ts'
import { formAround } from './form.ts'
import type { Outcome } from './outcome.ts'

/** One server as its clients see it, and how long a request may take. */
export interface Peer {
  readonly port: number
  readonly agent: http.Agent
  /** Whom the connection comes from. Default: whom the system chooses. */
  readonly address?: string
  /** Without a byte moved. */
  readonly timeoutMs: number
  /** Ends a request however much it moves. */
  readonly signal?: AbortSignal
}

type Pieces = Iterable<Buffer> | AsyncIterable<Buffer>

/** One request, with its body in pieces. */
export interface Sent {
  readonly method: string
  readonly path: string
  readonly headers?: http.OutgoingHttpHeaders
  /** Of its body, as they count. Default 0. */
  readonly bytes?: number
  readonly pieces?: () => Pieces
}

export function upload(
  peer: Peer,
  { method, path, form }: Routes['upload'],
  key: string,
  content: Content,
  pace: (slices: Iterable<Buffer>) => Pieces = slices => slices,
): Promise<Outcome> {
  const around = form && formAround(form.field, key, form.type)
  const bytes = content.bytes + (around ? around.before.length + around.after.length : 0)
  return exchange(peer, {
    method,
    path: path.replace(':key', key),
    headers: { ...around?.headers, 'content-length': bytes },
    bytes: content.bytes,
    async *pieces() {
      if (around) yield around.before
      yield* pace(content.slices())
      if (around) yield around.after
    },
  })
}

export function download(peer: Peer, path: string, content: Content): Promise<Outcome> {
  return exchange(peer, { method: 'GET', path }, content)
}

/**
 * Sends one request and reads its answer to the end; nothing is retried, and no body is kept.
 * @param expected what the answer must consist of; without it any body will do
 */
export function exchange(
  { port, agent, address: localAddress, timeoutMs, signal }: Peer,
  sent: Sent,
  expected?: Content,
): Promise<Outcome> {
  const { method, path, headers = {}, bytes: uploadBytes = 0 } = sent
  const started = performance.now()
  return new Promise(resolve => {
    const settle = (status: string, bytes = 0, answered = false, location = path) =>
      resolve({ status, answered, bytes, latencyMs: performance.now() - started, location })
    const failed = (error: NodeJS.ErrnoException) => settle(error.code ?? error.message)

    const to = { host: '127.0.0.1', port, localAddress }
    const request = http.request({ ...to, agent, method, path, headers, signal })
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
        const { statusCode, headers } = response
        const accepted = statusCode === 200 || statusCode === 201
        if (!accepted) settle(refusal(response))
        else if (expected && received !== expected.bytes) settle('wrong length')
        else if (!intact) settle('wrong content')
        else settle(String(statusCode), uploadBytes + received, true, headers.location)
        // Refused before it was all sent: the answer is what counts, the rest of the body is not.
        if (!request.writableFinished) request.destroy()
      })
    })
    send(request, sent.pieces?.() ?? []).catch(failed)
  })
}

async function send(request: http.ClientRequest, pieces: Pieces): Promise<void> {
  for await (const piece of pieces) {
    if (request.destroyed) return
    if (!request.write(piece) && !request.destroyed) await once(request, 'drain')
  }
  request.end()
}

function refusal({ statusCode, headers }: http.IncomingMessage): string {
  const mayReturn = statusCode === 503 || statusCode === 429
  return mayReturn && headers['retry-after'] === undefined
    ? `${statusCode} without Retry-After`
    : String(statusCode)
}
