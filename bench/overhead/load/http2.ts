import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'
import type { Route } from '../routes.ts'

const CONNECTIONS = 4
/** As browsers have, so that a download is not held up by what the client has not said yet. */
const WINDOW = 6 * 2 ** 20

/** One request after another on each stream, for so long; what has begun then is waited for. */
export async function loadHttp2(
  port: number,
  route: Route,
  streams: number,
  seconds: number,
): Promise<{ requests: number; seconds: number }> {
  const sessions = Array.from({ length: Math.min(CONNECTIONS, streams) }, () =>
    connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: WINDOW } }),
  )
  await Promise.all(
    sessions.map(async session => {
      await once(session, 'connect')
      session.setLocalWindowSize((streams / sessions.length) * WINDOW)
    }),
  )
  let requests = 0
  const started = performance.now()
  const until = started + seconds * 1_000
  const inTurn = async (session: ClientHttp2Session): Promise<void> => {
    while (performance.now() < until) {
      await exchange(session, route)
      requests++
    }
  }
  try {
    const all = Array.from({ length: streams }, (_, i) =>
      inTurn(sessions[i % sessions.length] as ClientHttp2Session),
    )
    await Promise.all(all)
    return { requests, seconds: (performance.now() - started) / 1_000 }
  } finally {
    for (const session of sessions) session.destroy()
  }
}

function exchange(session: ClientHttp2Session, { method, path, type, body }: Route): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': method,
      ':path': path,
      ...(type && { 'content-type': type }),
      ...(body && { 'content-length': Buffer.byteLength(body) }),
    })
    let status: number | undefined
    stream.on('response', headers => {
      status = headers[':status']
    })
    stream.on('error', reject)
    stream.on('close', () => {
      if (status === 200) resolve()
      else reject(new Error(`${status}, not 200`))
    })
    stream.resume()
    stream.end(body)
  })
}
