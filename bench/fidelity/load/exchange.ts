import { once } from 'node:events'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Request {
  readonly path: string
  readonly type?: string
  readonly body?: Buffer
  /** Of a slow client, in either direction. */
  readonly bytesPerSecond?: number
}

const PIECE_BYTES = 64 * 2 ** 10

/** One request, and its answer read to the end. @returns the status, or the error's code */
export async function exchange(
  port: number,
  agent: http.Agent,
  { path, type, body, bytesPerSecond }: Request,
  signal: AbortSignal,
): Promise<string> {
  const headers = body && { 'content-type': type, 'content-length': body.length }
  const request = http.request({
    host: '127.0.0.1',
    port,
    agent,
    path,
    method: body ? 'POST' : 'GET',
    headers,
    signal,
  })
  const answer = once(request, 'response')
  // What fails here fails the other one too, which is waited for.
  const sent = send(request, body, bytesPerSecond).catch(() => {})
  try {
    const [response] = (await answer) as [http.IncomingMessage]
    for await (const chunk of response)
      if (bytesPerSecond) await sleep((chunk.length / bytesPerSecond) * 1_000)
    // Refused before it was all sent: the rest is not.
    if (!request.writableFinished) request.destroy()
    await sent
    return String(response.statusCode)
  } catch (error) {
    request.destroy()
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message
  }
}

async function send(
  request: http.ClientRequest,
  body: Buffer | undefined,
  bytesPerSecond: number | undefined,
): Promise<void> {
  if (body === undefined || bytesPerSecond === undefined) {
    request.end(body)
    return
  }
  for (let at = 0; at < body.length && !request.destroyed; at += PIECE_BYTES) {
    if (!request.write(body.subarray(at, at + PIECE_BYTES))) await once(request, 'drain')
    await sleep((PIECE_BYTES / bytesPerSecond) * 1_000)
  }
  request.end()
}
