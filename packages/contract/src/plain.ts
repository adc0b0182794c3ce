import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { governorOf, reservationOf } from '@plimsoll/core'
import type { Exchange, Framework } from './framework.ts'
import { running } from './running.ts'

/** node:http with nothing above it, governed by `Governor.listener`. */
export const plain: Framework = {
  name: 'node:http',
  async serve({ options, routes }) {
    const governor = options && governorOf(options).governor
    const server = createServer(governor ? governor.listener(listener) : listener)
    governor?.attach(server)
    return running(server, governor)

    async function listener(req: IncomingMessage, res: ServerResponse): Promise<void> {
      const path = req.url?.split('?', 1)[0]
      const route = routes.find(known => known.path === path && known.method === req.method)
      if (route === undefined) {
        res.writeHead(404).end()
        return
      }
      if (governor !== undefined && route.policy !== undefined) await governor.admit(req, res, route.policy)
      await route.handle(exchangeOf(req, res))
    }
  },
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
