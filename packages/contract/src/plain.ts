import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import {
  type Governor,
  governorOf,
  isPlimsollError,
  type RoutePolicy,
  reservationOf,
  resolvePolicy,
} from '@plimsoll/core'
import { certificate } from './certificate.ts'
import type { Exchange, Framework, Route, Setup } from './framework.ts'
import { running } from './running.ts'

type Listener = (req: IncomingMessage, res: ServerResponse) => unknown

/** node:http with nothing above it, governed by `Governor.listener`. */
export const plain: Framework = frameworkOf('node:http', 'http', listener => createServer(listener))

/** node:https. */
export const plainHttps: Framework = frameworkOf('node:https', 'https', listener =>
  createHttpsServer(certificate, listener),
)

/** node:http2 without TLS, by its compatibility API. */
export const plainHttp2: Framework = frameworkOf(
  'node:http2',
  'http2',
  // Of node:http's API it has all that is used here.
  listener => createHttp2Server(listener as never) as never,
)

function frameworkOf(
  name: string,
  protocol: NonNullable<Framework['protocol']>,
  serverOf: (listener: Listener) => ReturnType<typeof createServer>,
): Framework {
  return {
    name,
    protocol,
    async serve({ options, routes }: Setup) {
      const { governor, policy, shared } = (options && governorOf(options)) ?? {}
      for (const route of routes) if (route.policy) resolvePolicy(route.policy)
      // Its own governor has the policy already.
      const own = shared ? policy : undefined
      const listener: Listener = (req, res) => serve(req, res, routes, governor, own)
      const server = serverOf(governor ? governor.listener(listener) : listener)
      governor?.attach(server)
      return running(server, governor)
    },
  }
}

async function serve(
  req: IncomingMessage,
  res: ServerResponse,
  routes: readonly Route[],
  governor: Governor | undefined,
  own: RoutePolicy | undefined,
): Promise<void> {
  const path = req.url?.split('?', 1)[0]
  const routeOf = (method: string | undefined): Route | undefined =>
    routes.find(known => known.path === path && known.method === method)
  const route = routeOf(req.method) ?? (req.method === 'HEAD' ? routeOf('GET') : undefined)
  if (route === undefined) {
    res.writeHead(404).end()
    return
  }
  const policy = route.policy ?? own
  if (governor !== undefined && policy !== undefined) await governor.admit(req, res, policy)
  try {
    await route.handle(exchangeOf(req, res))
  } catch (error) {
    // Answered by the governor's listener.
    if (isPlimsollError(error)) throw error
    if (res.headersSent) res.destroy()
    else res.writeHead(500).end()
  }
}

function exchangeOf(req: IncomingMessage, res: ServerResponse): Exchange {
  return {
    req,
    res,
    reservation: reservationOf(req),
    body: () => buffer(req),
    reply({ status = 200, headers, body }) {
      res.writeHead(status, headers)
      if (body instanceof Readable) body.on('error', () => res.destroy()).pipe(res)
      else res.end(body)
    },
  }
}
