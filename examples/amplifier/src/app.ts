import Fastify, { type FastifyInstance, type preHandlerHookHandler } from 'fastify'
import { meansByHand } from './by-hand.ts'
import type { Faults } from './faults.ts'
import { DEADLINE_MS, offersFor } from './offers.ts'

export interface AppOptions {
  /** Where the suppliers are. */
  readonly suppliers: string
  readonly faults: Faults
  readonly guarded: boolean
  /** Bytes, or a string with a unit. Default 'auto': from the container's limit. */
  readonly budget?: number | string
}

interface OfThing {
  Params: { thing: string }
}

/** Asks four suppliers for their offers: with faults or without, with guards or without. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { suppliers, faults, guarded, budget = 'auto' } = options
  const app = Fastify()
  const preHandler = faults.has('runs-twice') ? callTwice : []

  if (!guarded) {
    app.get<OfThing>('/offers/:thing', { preHandler }, ({ params }, reply) =>
      offersFor(params.thing, suppliers, faults, meansByHand(faults, reply.raw)),
    )
    app.get('/health', async () => 'alive')
    return app
  }

  // Imported here, so that the server without guards is one without Plimsoll and not one in which it idles.
  const { amplificationTable } = await import('@plimsoll/work')
  const { guardedMeans } = await import('./guarded.ts')
  await app.register(import('@plimsoll/fastify'), { budget })
  const plimsoll = { cost: '256KiB', deadlineMs: DEADLINE_MS }
  app.get<OfThing>('/offers/:thing', { preHandler, config: { plimsoll } }, request =>
    offersFor(request.params.thing, suppliers, faults, guardedMeans(request.plimsoll)),
  )
  app.get('/report', { config: { plimsoll: false } }, async () => amplificationTable(app.plimsoll.report()))
  app.get('/health', { config: { plimsoll: false } }, async () => 'alive')
  return app
}

const callTwice: preHandlerHookHandler = (_request, _reply, done) => {
  done()
  done()
}
