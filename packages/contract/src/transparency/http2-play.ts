import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import type { Socket } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { Answer } from './answers.ts'
import type { GeneratedStream, Http2Session } from './http2-session.ts'
import type { Played } from './session.ts'

/** Plays a session of HTTP/2; see `Protocol`. */
export async function playHttp2(session: Http2Session, port: number, patienceMs: number): Promise<Played> {
  const client = connect(`http://127.0.0.1:${port}`)
  client.on('error', () => {})
  await once(client, 'connect')
  const { localPort } = client.socket as Socket
  const answers: Promise<Answer>[] = []
  for (const stream of session.streams) {
    const answer = answerTo(client, stream, patienceMs)
    answers.push(answer)
    if (!session.atOnce) await answer
  }
  const transcript = {
    answers: await Promise.all(answers),
    end: client.destroyed || client.closed ? ('closed by the server' as const) : ('open' as const),
  }
  client.destroy()
  return { transcript, port: localPort as number }
}

/** An answer in the shape of HTTP/1: what came of it within the patience since the last sign of life. */
async function answerTo(
  client: ClientHttp2Session,
  stream: GeneratedStream,
  patienceMs: number,
): Promise<Answer> {
  const head: string[] = []
  let body = ''
  let ended = false
  let closed = false
  let signs = 0
  const sign =
    <T>(note: (value: T) => void) =>
    (value: T): void => {
      signs++
      note(value)
    }
  if (client.closed)
    return { status: 0, head: ['the connection is closed'], body, whole: false, endless: false }
  const req = client.request(stream.headers, {
    endStream: stream.body.length === 0 && !stream.trailers && stream.resetAfter === undefined,
    waitForTrailers: stream.trailers,
  })
  req.on('wantTrailers', () => req.sendTrailers({ 'x-trailer': 'one' }))
  for (const event of ['headers', 'response', 'trailers']) {
    req.on(
      event,
      sign((headers: object) => {
        head.push(
          event,
          ...Object.entries(headers).map(([name, value]) => `${name}: ${name === 'date' ? '…' : value}`),
        )
      }),
    )
  }
  req.on(
    'continue',
    sign(() => head.push('continue')),
  )
  req.setEncoding('latin1')
  req.on(
    'data',
    sign((text: string) => {
      body += text
    }),
  )
  req.on('end', () => {
    ended = true
  })
  req.on('error', () => {})
  req.on('close', () => {
    closed = true
  })
  await send(req, stream)
  let since = performance.now()
  let seen = signs
  while (!closed && performance.now() - since < patienceMs) {
    await sleep(1)
    if (seen === signs) continue
    seen = signs
    since = performance.now()
  }
  head.push(closed ? `closed with ${req.rstCode}` : 'open')
  if (!closed) req.close()
  const status = Number(head.find(line => line.startsWith(':status: '))?.slice(9) ?? 0)
  return { status, head, body, whole: ended, endless: false }
}

async function send(req: ClientHttp2Stream, { body, cuts, resetAfter }: GeneratedStream): Promise<void> {
  let from = 0
  let sent = 0
  for (const { at, turns } of [...cuts, { at: 1, turns: 0 }]) {
    if (sent++ === resetAfter) {
      req.close(8)
      return
    }
    const to = Math.floor(at * body.length)
    if (req.writable && to > from) req.write(body.subarray(from, to))
    from = to
    for (let count = 0; count < turns; count++) await turn()
  }
  if (req.writable) req.end()
}
