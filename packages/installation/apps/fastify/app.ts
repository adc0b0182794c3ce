import plimsoll, { type PlimsollOptions, type RoutePolicy } from '@plimsoll/fastify'
import Fastify, { type FastifyInstance } from 'fastify'

const options: PlimsollOptions = { budget: '1MiB', queue: { limit: 10 } }
const policy: RoutePolicy = { cost: ({ declaredBytes = 0 }) => declaredBytes, maxBody: '128KiB' }

async function main(): Promise<void> {
  const app = Fastify()
  await app.register(plimsoll, options)
  app.post('/', { config: { plimsoll: policy } }, async request => ({
    bytes: request.plimsoll.bytes,
    read: JSON.stringify(request.body).length,
  }))
  app.get('/health', { config: { plimsoll: false } }, async () => 'ok')

  const response = await fetch(await app.listen({ port: 0, host: '127.0.0.1' }), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify('x'.repeat(65534)),
  })
  const { status } = response
  const seen = (await response.json()) as { bytes: number; read: number }
  await app.close()
  console.log(JSON.stringify({ status, ...seen, reserved: app.plimsoll.stats().reserved }))
}
main()

/** Never called: the compiler says whether the types forbid what they should. */
export function typos(app: FastifyInstance): void {
  // @ts-expect-error an unknown option
  app.register(plimsoll, { bugdet: '1MiB' })
  // @ts-expect-error an unknown key of a policy; Fastify infers the type of a config from an inline one
  app.get('/key', { config: { plimsoll: { maxBdoy: '1MiB' } satisfies RoutePolicy } }, async () => 'hello')
  // @ts-expect-error a wrong value in a policy
  app.get('/value', { config: { plimsoll: { body: 'both' } } }, async () => 'hello')
  // @ts-expect-error a key left out is not one that is undefined
  app.get('/undefined', { config: { plimsoll: { cost: undefined } } }, async () => 'hello')
  // @ts-expect-error a handler can't release early
  app.get('/release', async request => request.plimsoll.release())
}
