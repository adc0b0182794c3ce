import Router from '@koa/router'
import type { Governor } from '@plimsoll/koa'
import Koa, { type Context } from 'koa'
import { proxied } from './proxied.ts'

export interface AppOptions {
  /** Where the files are, as `http://10.0.0.7:4000`. */
  readonly upstream: string
  /** How long the upstream may take to begin its answer. Default 10_000. */
  readonly upstreamTimeoutMs?: number
  /** Default true. */
  readonly governed?: boolean
  /** Bytes, or a string with a unit. Default 'auto': from the container's limit. */
  readonly budget?: number | string
}

export interface App {
  readonly app: Koa
  /** Undefined where the server is ungoverned. */
  readonly governor: Governor | undefined
}

/**
 * What a download holds whatever its size: some buffers on its way through this process, and the kernel's for two
 * connections. Measured under a flood, see README.
 */
export const DOWNLOAD_BYTES = 4 * 2 ** 20

export async function buildApp(options: AppOptions): Promise<App> {
  const { upstream, upstreamTimeoutMs = 10_000, governed = true, budget = 'auto' } = options
  const app = new Koa()
  const router = new Router()
  let governor: Governor | undefined

  // ── Governed: this block. Nothing else knows of it. ──
  if (governed) {
    // Imported here, so that the ungoverned server is one without Plimsoll and not one in which it idles.
    const { plimsoll } = await import('@plimsoll/koa')
    const admission = plimsoll({ budget, cost: ({ method }) => (method === 'GET' ? DOWNLOAD_BYTES : 0) })
    router.use('/files', admission)
    governor = admission.governor
  }

  router.get('/files/:name', ctx => proxied(ctx, upstream, upstreamTimeoutMs))
  router.get('/health', ctx => {
    ctx.body = { status: 'ok' }
  })
  app.use(router.routes()).use(router.allowedMethods())
  app.on('error', logError)
  return { app, governor }
}

function logError(error: Error, ctx?: Context): void {
  // A download that breaks off, which clients do all day, ends as an error of some kind; its connection is cut.
  if (!ctx?.headerSent) console.error(error)
}
