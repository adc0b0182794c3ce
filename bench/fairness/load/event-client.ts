import http from 'node:http'
import type { Outcome } from '../../flood/load/outcome.ts'

/** The server comments every 2 s. Three in a row may be late on a machine that is busy; more is a stream that hangs. */
const SILENT_MS = 8_000

/**
 * Stays on an event stream until `over`. Answered means that the stream was still there then, and alive.
 * Its latency is that of the first event.
 */
export function followEvents(port: number, over: AbortSignal): Promise<Outcome> {
  const started = performance.now()
  return new Promise(resolve => {
    let firstMs: number | undefined
    let lastMs = started
    const settle = (status: string) => {
      over.removeEventListener('abort', end)
      request.destroy()
      const answered = status === '200'
      resolve({ status, answered, bytes: 0, latencyMs: firstMs ?? performance.now() - started, location: '' })
    }
    const end = () => settle(performance.now() - lastMs > SILENT_MS ? 'silent' : '200')
    const request = http.get({ host: '127.0.0.1', port, path: '/events', agent: false })
    request.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message))
    request.on('response', response => {
      if (response.statusCode !== 200) return settle(String(response.statusCode))
      response.on('data', () => {
        lastMs = performance.now()
        firstMs ??= lastMs - started
      })
      response.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message))
      response.on('end', () => settle('ended'))
    })
    over.addEventListener('abort', end)
  })
}
