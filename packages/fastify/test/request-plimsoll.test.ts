import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import t from 'tap'
import plimsoll from '../src/index.ts'
import { send } from './fixtures/client.ts'
import { governedApp, KiB } from './fixtures/governed-app.ts'

const seen = (request: FastifyRequest) => ({
  bytes: request.plimsoll.bytes,
  released: request.plimsoll.released,
  aborted: request.plimsoll.signal.aborted,
})

t.test('every hook and handler of a request has its reservation', async t => {
  const told: Record<string, unknown> = {}
  const note = (where: string) => async (request: FastifyRequest) => {
    told[where] = request.plimsoll.bytes
  }
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: '3KiB' },
    routes: app => {
      app.addHook('onRequest', note('onRequest'))
      app.addHook('preParsing', note('preParsing'))
      app.addHook('preValidation', note('preValidation'))
      app.addHook('preHandler', note('preHandler'))
      app.addHook('preSerialization', note('preSerialization'))
      app.addHook('onSend', note('onSend'))
      app.addHook('onResponse', note('onResponse'))
      app.post('/', async request => seen(request))
    },
  })
  const answer = await send(server.port, '/', { body: '{}', headers: { 'content-type': 'application/json' } })
  t.strictSame(answer.json(), { bytes: 3 * KiB, released: false, aborted: false })
  await server.leavesNothing(t)
  t.strictSame(told, {
    onRequest: 3 * KiB,
    preParsing: 3 * KiB,
    preValidation: 3 * KiB,
    preHandler: 3 * KiB,
    preSerialization: 3 * KiB,
    onSend: 3 * KiB,
    onResponse: 3 * KiB,
  })
})

t.test('requests of every method have it, answered by whatever answers them', async t => {
  const answer = async (request: FastifyRequest, reply: FastifyReply) =>
    reply.header('x-held', String(request.plimsoll.bytes)).send('')
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: '3KiB' },
    routes: app => {
      app.get('/get', answer)
      app.options('/options', answer)
      app.head('/head', answer)
      app.delete('/delete', answer)
      app.get('/throws', async () => {
        throw new Error('no')
      })
      app.setNotFoundHandler((request, reply) => answer(request, reply.code(404)))
      app.setErrorHandler((_error, request, reply) => answer(request, reply.code(500)))
    },
  })
  for (const [method, path, status] of [
    ['GET', '/get', 200],
    ['HEAD', '/get', 200],
    ['HEAD', '/head', 200],
    ['OPTIONS', '/options', 200],
    ['DELETE', '/delete', 200],
    ['GET', '/nowhere', 404],
    ['HEAD', '/nowhere', 404],
    ['OPTIONS', '/nowhere', 404],
    ['POST', '/nowhere', 404],
    ['GET', '/throws', 500],
  ] as const) {
    const { status: got, headers } = await send(server.port, path, { method })
    t.match({ got, held: headers['x-held'] }, { got: status, held: String(3 * KiB) }, `${method} ${path}`)
  }
  await server.leavesNothing(t)
})

t.test('the default 404 and error handlers find it in no way changed', async t => {
  const server = await governedApp(t)
  t.strictSame((await send(server.port, '/nowhere')).json(), {
    message: 'Route GET:/nowhere not found',
    error: 'Not Found',
    statusCode: 404,
  })
  await server.leavesNothing(t)
})

t.test('a child plugin\u2019s 404 handler has it', async t => {
  const server = await governedApp(t, {
    options: { budget: '1MiB', cost: '3KiB' },
    routes: app =>
      app.register(
        async child => {
          child.setNotFoundHandler(async request => seen(request))
        },
        { prefix: '/child' },
      ),
  })
  t.match((await send(server.port, '/child/nowhere')).json(), { bytes: 3 * KiB })
  await server.leavesNothing(t)
})

t.test('the error handler of a refused request finds a reservation of 0 bytes', async t => {
  const server = await governedApp(t, {
    options: { budget: '1KiB', queue: { limit: 0 } },
    routes: app => {
      app.setErrorHandler((error: Error & { statusCode: number }, request, reply) =>
        reply.code(error.statusCode).send({ held: request.plimsoll.bytes }),
      )
    },
  })
  const tooLarge = await send(server.port, '/next', { body: Buffer.alloc(2 * KiB) })
  t.equal(tooLarge.status, 413)
  t.strictSame(tooLarge.json(), { held: 0 })
  const taken = server.governor.budget.tryAcquire('1KiB')
  const noRoom = await send(server.port, '/next', { body: 'x' })
  t.equal(noRoom.status, 503)
  t.strictSame(noRoom.json(), { held: 0 })
  taken?.release()
  await server.leavesNothing(t)
})

t.test('the response hooks of a refused request find one too', async t => {
  const held: unknown[] = []
  const server = await governedApp(t, {
    options: { budget: '1KiB' },
    routes: app => {
      app.addHook('onSend', async request => {
        held.push(request.plimsoll?.bytes)
      })
      app.addHook('onError', async request => {
        held.push(request.plimsoll?.bytes)
      })
      app.addHook('onResponse', async request => {
        held.push(request.plimsoll?.bytes)
      })
    },
  })
  await send(server.port, '/next', { body: Buffer.alloc(2 * KiB) })
  await server.leavesNothing(t)
  t.strictSame(held.slice(0, 3), [0, 0, 0])
})

t.test('a hook that runs before the plugin finds one too', async t => {
  const held: unknown[] = []
  const server = await governedApp(t, {
    before: app =>
      app.addHook('onRequest', async request => {
        held.push(request.plimsoll?.bytes)
      }),
  })
  await server.leavesNothing(t)
  t.strictSame(held, [0])
})

t.test('a second governor in another server has reservations of its own', async t => {
  const one = Fastify()
  const other = Fastify()
  await one.register(plimsoll, { budget: '1MiB', cost: '1KiB' })
  await other.register(plimsoll, { budget: '1MiB', cost: '2KiB' })
  for (const app of [one, other]) app.get('/', async request => seen(request))
  t.match((await one.inject('/')).json(), { bytes: KiB })
  t.match((await other.inject('/')).json(), { bytes: 2 * KiB })
})
