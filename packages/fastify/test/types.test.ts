import { type Governor, type GovernorOptions, isPlimsollError, type RequestReservation } from '@plimsoll/core'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import plimsoll, { type PlimsollOptions } from '../src/index.ts'

// Checked by `tsc -p tsconfig.json`: an augmentation that is lost, or too wide, fails there.

t.test('importing the plugin types the instance, the request and the route config', async t => {
  const app = Fastify()
  await app.register(plimsoll, { budget: '1MiB', queue: { limit: 5, timeoutMs: 100 } })
  const governor: Governor = app.plimsoll
  t.equal(governor.budget.capacity, 1024 ** 2)

  app.get('/', { config: { plimsoll: { cost: '1KiB', maxBody: 5, body: 'stream' } } }, async request => {
    const reservation: RequestReservation = request.plimsoll
    const signal: AbortSignal = request.plimsoll.signal
    return { bytes: reservation.bytes, grown: request.plimsoll.tryGrow('1KiB'), aborted: signal.aborted }
  })
  app.route({
    method: 'POST',
    url: '/',
    config: { plimsoll: { cost: head => (head.declaredBytes ?? 0) * 2 + head.url.length } },
    handler: async request => request.plimsoll.released,
  })
  app.get('/health', { config: { plimsoll: false } }, async request => request.plimsoll.bytes)
  t.strictSame((await app.inject('/')).json(), { bytes: 1024, grown: true, aborted: false })
})

t.test('what the types forbid is forbidden', async t => {
  const never = (app: FastifyInstance): void => {
    // @ts-expect-error a size is a number or a string
    app.register(plimsoll, { budget: true })
    // @ts-expect-error unknown keys are typos
    app.register(plimsoll, { bugdet: '1MiB' })
    // @ts-expect-error body is one of two words
    app.get('/', { config: { plimsoll: { body: 'both' } } }, async () => 'hello')
    // @ts-expect-error a size is a number, a string or a function that tells one
    app.get('/', { config: { plimsoll: { cost: () => true } } }, async () => 'hello')
    // @ts-expect-error a handler can't release early
    app.get('/', async request => request.plimsoll.release())
    // @ts-expect-error the governor of a server is not replaced
    app.plimsoll = undefined
  }
  t.type(never, 'function')
})

t.test('its own options are a governor\u2019s, or a governor and a policy', async t => {
  const options: GovernorOptions = { budget: 'auto', exempt: head => head.method === 'OPTIONS' }
  const all: PlimsollOptions[] = [options, {}]
  const governor = {} as Governor
  all.push({ governor, maxBody: '1MiB', cost: 5, body: 'buffer', requireLength: true })
  t.equal(all.length, 3)
})

t.test('an error is told apart by its code', async t => {
  const app = Fastify()
  await app.register(plimsoll, { budget: 10 })
  app.setErrorHandler((error, _request, reply) => {
    if (!isPlimsollError(error)) throw error
    const code: `ERR_PLIMSOLL_${string}` = error.code
    return reply.code(error.statusCode).send({ code })
  })
  app.post('/', async () => 'served')
  const { statusCode, body } = await app.inject({ method: 'POST', url: '/', payload: 'x'.repeat(11) })
  t.equal(statusCode, 413)
  t.match(body, 'ERR_PLIMSOLL_BODY_OVER_BUDGET')
})
