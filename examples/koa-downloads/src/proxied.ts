import type { IncomingMessage } from 'node:http'
import type { RouterContext } from '@koa/router'
import { askUpstream } from './ask-upstream.ts'

const ANSWER_HEADERS = [
  'accept-ranges',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'last-modified',
  'vary',
]

/** Answers with the upstream's file of the same name, which streams through and is never held whole. */
export async function proxied(ctx: RouterContext, upstream: string, timeoutMs: number): Promise<void> {
  const { name = '' } = ctx.params
  // Encoded or not, a URL takes dots for folders.
  if (/^\.{1,2}$/.test(name)) return
  const url = new URL(`/files/${encodeURIComponent(name)}`, upstream)
  let answer: IncomingMessage | undefined
  try {
    answer = await askUpstream(ctx, url, timeoutMs)
  } catch (error) {
    if (!ctx.res.closed) ctx.app.emit('error', error)
  }
  if (answer?.statusCode === undefined || answer.statusCode >= 500) {
    answer?.resume()
    ctx.status = 502
    ctx.body = { error: 'The files cannot be reached' }
    return
  }
  ctx.status = answer.statusCode
  // Koa pipes it with backpressure, and destroys it when the client goes; so the upstream's connection ends too.
  if (ctx.method === 'GET' && ctx.status !== 304) ctx.body = answer
  else answer.resume()
  for (const header of ANSWER_HEADERS) {
    const value = answer.headers[header]
    if (value !== undefined) ctx.set(header, value)
  }
}
