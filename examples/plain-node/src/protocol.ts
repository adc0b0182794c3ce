import { createServer as createHttp } from 'node:http'
import { createSecureServer as createHttp2 } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import type { HttpServer } from '@plimsoll/core'
import type { Listener } from './app.ts'
import type { Certificate } from './certificate.ts'

export const PROTOCOLS = ['http', 'https', 'http2'] as const

export type Protocol = (typeof PROTOCOLS)[number]

/** One listener for all three: what it uses of a request and a response is the same. */
export async function createServer(
  protocol: Protocol,
  listener: Listener,
  certificate: () => Promise<Certificate>,
): Promise<HttpServer> {
  if (protocol === 'http') return createHttp(listener)
  if (protocol === 'https') return createHttps(await certificate(), listener)
  // Browsers and curl agree on HTTP/2 in the handshake; a client that can't speaks HTTP/1.1 here.
  return createHttp2({ ...(await certificate()), allowHTTP1: true }, listener)
}
