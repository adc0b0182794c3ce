import { Readable } from 'node:stream'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { type Exchange, type Framework, type Route, running } from '@plimsoll/contract'
import { type Context, Hono } from 'hono'
import type { StatusCode } from 'hono/utils/http-status'
import { plimsoll } from '../src/plimsoll.ts'

type Served = Context<{ Bindings: HttpBindings }>

/** Hono on its node server, as the contract of all adapters starts it. */
export const hono: Framework = {
  name: 'hono',
  async serve({ options, routes }) {
    const app = new Hono<{ Bindings: HttpBindings }>()
    // Its own prints stacks.
    app.onError((_error, c) => c.text('Internal Server Error', 500))
    const governed = options && plimsoll(options)
    if (governed !== undefined) app.use(governed)
    for (const { method, path, policy, handle } of routes) {
      // It asks GET's routes for HEAD, too.
      const verb = method === 'HEAD' ? 'GET' : method
      if (governed !== undefined && policy !== undefined) {
        const { governor } = governed
        app.on(verb, path, plimsoll(policy === false ? { governor, exempt: true } : { governor, ...policy }))
      }
      app.on(verb, path, c => responseOf(c, handle))
    }
    const server = createAdaptorServer({ fetch: app.fetch, hostname: '127.0.0.1' }) as Parameters<
      typeof running
    >[0]
    governed?.governor.attach(server)
    return running(server, governed?.governor)
  },
}

/** What a handler has answered, in Hono's way or by itself. */
async function responseOf(c: Served, handle: Route['handle']): Promise<Response> {
  let response = RESPONSE_ALREADY_SENT
  let byItself = false
  const exchange: Exchange = {
    req: c.env.incoming,
    res: c.env.outgoing,
    reservation: c.var.plimsoll,
    body: async () => Buffer.from(await c.req.arrayBuffer()),
    reply({ status = 200, headers = {}, body = '' }) {
      const data = body instanceof Readable ? Readable.toWeb(body) : body
      response = c.newResponse(data as string, status as StatusCode, { ...headers })
    },
    hijack() {
      byItself = true
    },
  }
  try {
    await handle(exchange)
  } catch (error) {
    // Nobody else cleans up behind it.
    if (!byItself) throw error
    c.env.outgoing.destroy()
  }
  return response
}
