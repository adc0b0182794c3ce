import { playHttp1 } from './http1-play.ts'
import { type Http1Session, http1Session } from './http1-session.ts'
import { playHttp2 } from './http2-play.ts'
import { type Http2Session, http2Session } from './http2-session.ts'
import type { Protocol } from './session.ts'

export const http: Protocol<Http1Session> = {
  generated: http1Session,
  play: (session, port, patienceMs) => playHttp1(session, port, patienceMs, false),
}

export const https: Protocol<Http1Session> = {
  generated: http1Session,
  play: (session, port, patienceMs) => playHttp1(session, port, patienceMs, true),
}

export const http2: Protocol<Http2Session> = { generated: http2Session, play: playHttp2 }
