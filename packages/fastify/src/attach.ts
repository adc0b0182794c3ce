import type { Governor, HttpServer } from '@plimsoll/core'
import type { FastifyInstance } from 'fastify'

/** Attaches the governor to all servers of the application: on 'localhost' there is one for each address. */
export function attachTo(app: FastifyInstance, governor: Governor): void {
  governor.attach(app.server)
  app.addHook('onListen', async () => {
    for (const server of furtherServers(app)) governor.attach(server)
  })
}

/** Fastify shows them only as addresses. A version that keeps them elsewhere lets Node answer 100 there. */
function furtherServers(app: FastifyInstance): readonly HttpServer[] {
  for (let owner: object | null = app; owner !== null; owner = Object.getPrototypeOf(owner)) {
    const key = Object.getOwnPropertySymbols(owner).find(
      ({ description }) => description === 'fastify.serverBindings',
    )
    if (key !== undefined) return (owner as Record<symbol, HttpServer[]>)[key] as HttpServer[]
  }
  return []
}
