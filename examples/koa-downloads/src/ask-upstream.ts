import { type IncomingMessage, request } from 'node:http'
import type { Context } from 'koa'

/** What the upstream has to know of a request: ranges, what the client has already, what it can read. */
const REQUEST_HEADERS = [
  'accept-encoding',
  'cache-control',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'range',
]

/**
 * Asks as the client has asked. Resolves with the answer, of which only the head has come.
 *
 * @param timeoutMs for the head
 */
export function askUpstream(ctx: Context, url: URL, timeoutMs: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: ctx.method })
    for (const header of REQUEST_HEADERS) {
      const value = ctx.headers[header]
      if (value !== undefined) asked.setHeader(header, value)
    }
    const gone = (): void => void asked.destroy()
    ctx.res.once('close', gone)
    asked.setTimeout(timeoutMs, () => asked.destroy(new Error('The upstream does not answer')))
    asked.once('response', answer => {
      // From here on a pause may be our client's.
      asked.setTimeout(0)
      ctx.res.off('close', gone)
      resolve(answer)
    })
    asked.once('error', (error: NodeJS.ErrnoException) => {
      // A kept connection that the upstream was closing; see Node's `request.reusedSocket`.
      const again = asked.reusedSocket && error.code === 'ECONNRESET' && !ctx.res.closed
      if (again) resolve(askUpstream(ctx, url, timeoutMs))
      else reject(error)
    })
    asked.end()
  })
}
