import http from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Body } from './bodies.ts'

/**
 * Sends one body, in pieces that are forgotten at once.
 * @returns the status, or the code of what broke the connection
 */
export function post(port: number, path: string, body: Body, together: number): Promise<string> {
  return new Promise(resolve => {
    const request = http.request({
      host: '127.0.0.1',
      port,
      // A connection for each: none holds what another has left.
      agent: false,
      method: 'POST',
      path,
      headers: { 'content-type': body.contentType, 'content-length': body.bytes, 'x-together': together },
    })
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    request.on('response', response => {
      response.resume().on('close', () => resolve(String(response.statusCode)))
    })
    // What breaks it is told by the request.
    pipeline(body.pieces(), request).catch(() => {})
  })
}
