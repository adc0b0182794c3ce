import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import t from 'tap'
import { answerOf, head, open, RawClient, send } from './fixtures/client.ts'
import { type GovernedApp, governedApp, KiB, MiB, type Setup } from './fixtures/governed-app.ts'
import { gate, soon, until } from './fixtures/until.ts'

const COST = 64 * KiB

/** Every request holds 64 KiB here, so what is not given back shows. */
const costly = (routes: (app: FastifyInstance) => unknown, extra: Partial<Setup> = {}): Setup => ({
  server: { bodyLimit: 32 * MiB },
  options: { budget: '1MiB', cost: COST },
  ...extra,
  routes,
})

const holds = (server: GovernedApp, requests = 1) =>
  until(
    () => server.governor.budget.reserved === requests * COST,
    () => `${requests} requests to hold their bytes, ${server.governor.budget.reserved} are reserved`,
  )

t.test('a hijacked reply releases when it ends', async t => {
  const end = gate()
  const server = await governedApp(
    t,
    costly(app =>
      app.get('/', async (_request, reply) => {
        reply.hijack()
        reply.raw.write('first ')
        await end.promise
        reply.raw.end('last')
      }),
    ),
  )
  const answer = send(server.port, '/')
  await holds(server)
  end.open()
  t.equal((await answer).body.toString(), 'first last')
  await server.leavesNothing(t)
})

t.test('a hijacked reply that is abandoned releases when its client leaves', async t => {
  const server = await governedApp(
    t,
    costly(app =>
      app.get('/', (_request, reply) => {
        reply.hijack()
      }),
    ),
  )
  const client = await RawClient.to(server.port)
  client.write(head('GET /'))
  await holds(server)
  client.destroy()
  await server.leavesNothing(t)
})

t.test('a handler that never answers holds on until its client leaves', async t => {
  const server = await governedApp(
    t,
    costly(app => app.get('/', () => new Promise(() => {}))),
  )
  const client = await RawClient.to(server.port)
  client.write(head('GET /'))
  await holds(server)
  client.destroy()
  await server.leavesNothing(t)
})

t.test('a socket that a hijacking handler destroys is released', async t => {
  const server = await governedApp(
    t,
    costly(app =>
      app.get('/', (request, reply) => {
        reply.hijack()
        request.raw.socket.destroy()
      }),
    ),
  )
  const client = await RawClient.to(server.port)
  client.write(head('GET /'))
  await client.closed
  t.equal(client.received, '')
  await server.leavesNothing(t)
})

t.test('404, HEAD and OPTIONS release', async t => {
  const admitted: string[] = []
  const server = await governedApp(
    t,
    costly(app => {
      app.addHook('onSend', async request => {
        if (request.plimsoll.bytes === COST) admitted.push(`${request.method} ${request.url}`)
      })
      app.get('/hello', async () => 'hello')
      app.options('/hello', async () => '')
    }),
  )
  for (const [method, path, status] of [
    ['GET', '/nowhere', 404],
    ['HEAD', '/nowhere', 404],
    ['OPTIONS', '/nowhere', 404],
    ['DELETE', '/hello', 404],
    ['HEAD', '/hello', 200],
    ['OPTIONS', '/hello', 200],
  ] as const) {
    t.equal((await send(server.port, path, { method })).status, status)
    t.equal(admitted.pop(), `${method} ${path}`, 'and was admitted')
    await server.leavesNothing(t)
    admitted.length = 0
  }
  const body = Buffer.alloc(MiB)
  t.equal(
    (await send(server.port, '/nowhere', { body, headers: { 'content-type': 'text/plain' } })).status,
    404,
  )
  await server.leavesNothing(t)
})

t.test('a 404 with a body that nobody reads releases', async t => {
  const server = await governedApp(
    t,
    costly(() => {}),
  )
  const req = open(server.port, '/nowhere', { method: 'POST', headers: { 'content-length': 16 * MiB } })
  req.write(Buffer.alloc(MiB))
  t.equal((await answerOf(req)).status, 404)
  req.destroy()
  await server.leavesNothing(t)
})

const EARLY: [where: string, declare: (app: FastifyInstance) => void][] = []
for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const) {
  const reply = async (_request: FastifyRequest, reply: FastifyReply) => reply.code(401).send({ by: hook })
  EARLY.push([
    `a reply from ${hook}`,
    app => {
      // A parser that hands the body on unread lets the later hooks run while it comes.
      app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
      app.post('/', { [hook]: reply }, async () => 'not reached')
    },
  ])
}

for (const [where, declare] of EARLY) {
  t.test(`${where}, while 16 MiB are still coming, releases`, async t => {
    const server = await governedApp(t, costly(declare))
    const headers = { 'content-type': 'application/octet-stream', 'content-length': 16 * MiB }

    await t.test('where the client leaves then', async t => {
      const req = open(server.port, '/', { method: 'POST', headers })
      req.write(Buffer.alloc(MiB))
      t.equal((await answerOf(req)).status, 401)
      req.destroy()
      await server.leavesNothing(t)
    })

    await t.test('where the client sends it all', async t => {
      const req = open(server.port, '/', { method: 'POST', headers })
      req.write(Buffer.alloc(MiB))
      const answer = await answerOf(req)
      t.equal(answer.status, 401)
      // Whether the server cuts it off or not is Fastify's to say.
      req.end(Buffer.alloc(15 * MiB))
      await soon(once(req, 'close'), 'the end of the upload')
      await server.leavesNothing(t)
    })
  })
}

t.test('a handler that answers and reads on holds until the body is there', async t => {
  const server = await governedApp(
    t,
    costly(app => {
      app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
      app.post('/flowing', async request => {
        request.raw.on('data', () => {})
        await once(request.raw, 'data')
        return 'enough'
      })
      app.post('/readable', async request => {
        request.raw.on('readable', () => request.raw.read())
        await once(request.raw, 'data')
        return 'enough'
      })
    }),
  )
  const headers = { 'content-type': 'application/octet-stream', 'content-length': 16 * MiB }

  for (const path of ['/flowing', '/readable']) {
    await t.test(`or its client leaves, ${path}`, async t => {
      const req = open(server.port, path, { method: 'POST', headers })
      req.write(Buffer.alloc(MiB))
      t.equal((await answerOf(req)).status, 200)
      t.equal(server.governor.budget.reserved, COST)
      req.destroy()
      await server.leavesNothing(t)
    })
  }

  await t.test('where its client sends it all', async t => {
    const req = open(server.port, '/flowing', { method: 'POST', headers })
    req.write(Buffer.alloc(MiB))
    t.equal((await answerOf(req)).status, 200)
    t.equal(server.governor.budget.reserved, COST)
    req.end(Buffer.alloc(15 * MiB))
    await soon(once(req, 'close'), 'the end of the upload')
    await server.leavesNothing(t)
  })
})

t.test('a handler that answers and leaves the rest of the body unread releases', async t => {
  const server = await governedApp(
    t,
    costly(app => {
      app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
      app.post('/', async request => {
        await once(request.raw, 'data')
        return 'enough'
      })
    }),
  )
  const headers = { 'content-type': 'application/octet-stream', 'content-length': 16 * MiB }
  const req = open(server.port, '/', { method: 'POST', headers })
  req.write(Buffer.alloc(MiB))
  t.equal((await answerOf(req)).status, 200)
  await server.leavesNothing(t)
  req.destroy()
  await server.leavesNothing(t)
})

t.test('handlers that throw release', async t => {
  const boom = () => {
    throw new Error('boom')
  }
  const server = await governedApp(
    t,
    costly(app => {
      app.get('/sync', () => boom())
      app.get('/async', async () => {
        await null
        boom()
      })
      app.get('/hook', { preHandler: async () => boom() }, async () => 'not reached')
      app.get('/send', (_request, reply) => {
        reply.send(new Error('boom'))
      })
      app.get('/serialize', { preSerialization: async () => boom() }, async () => ({ never: 'sent' }))
      app.get('/on-send', { onSend: async () => boom() }, async () => 'never sent')
    }),
  )
  for (const path of ['/sync', '/async', '/hook', '/send', '/serialize', '/on-send']) {
    const answer = await send(server.port, path)
    t.match(answer.json(), { statusCode: 500, message: 'boom' }, path)
    await server.leavesNothing(t)
  }
})

t.test('handlers that throw after their headers are out release', async t => {
  const server = await governedApp(
    t,
    costly(app => {
      app.get('/sync', (_request, reply) => {
        reply.raw.writeHead(200, { 'content-length': 10 })
        reply.raw.write('half')
        throw new Error('boom')
      })
      app.get('/async', async (_request, reply) => {
        reply.raw.writeHead(200, { 'content-length': 10 })
        reply.raw.write('half')
        await null
        throw new Error('boom')
      })
    }),
  )
  for (const path of ['/sync', '/async']) {
    const client = await RawClient.to(server.port)
    client.write(head(`GET ${path}`))
    await soon(client.closed, 'the connection to be cut')
    t.notMatch(client.received, 'boom')
    await server.leavesNothing(t)
  }
})

t.test('a streamed reply that breaks midway releases', async t => {
  const sources: Readable[] = []
  const server = await governedApp(
    t,
    costly(app =>
      app.get('/', (_request, reply) => {
        const source = new PassThrough()
        sources.push(source)
        source.write('half')
        return reply.send(source)
      }),
    ),
  )
  for (const error of [new Error('disk gone'), undefined]) {
    const client = await RawClient.to(server.port)
    client.write(head('GET /'))
    await client.reads(/half/)
    await holds(server)
    sources.pop()?.destroy(error)
    await soon(client.closed, 'the connection to be cut')
    await server.leavesNothing(t)
  }
})

t.test('a stream that breaks before its first byte is answered with 500, and releases', async t => {
  const server = await governedApp(
    t,
    costly(app =>
      app.get('/', async (_request, reply) =>
        reply.send(
          new Readable({
            read() {
              this.destroy(new Error('no such object'))
            },
          }),
        ),
      ),
    ),
  )
  t.match((await send(server.port, '/')).json(), { statusCode: 500, message: 'no such object' })
  await server.leavesNothing(t)
})

t.test('bodies that Fastify refuses release', async t => {
  const schema = { body: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } }
  const server = await governedApp(
    t,
    costly(app => {
      app.post('/', { schema }, async () => 'served')
      app.post(
        '/limited',
        { bodyLimit: 100, config: { plimsoll: { maxBody: '1MiB' } } },
        async () => 'served',
      )
    }),
  )
  const json = { 'content-type': 'application/json' }
  for (const [path, headers, body, status, code] of [
    ['/', json, '{"no":"name"}', 400, 'FST_ERR_VALIDATION'],
    ['/', json, '{"no', 400, 'FST_ERR_CTP_INVALID_JSON_BODY'],
    ['/', json, '{"__proto__":{"x":1}}', 400, 'FST_ERR_CTP_INVALID_JSON_BODY'],
    ['/', json, '', 400, 'FST_ERR_CTP_EMPTY_JSON_BODY'],
    ['/', { 'content-type': 'image/png' }, 'png', 415, 'FST_ERR_CTP_INVALID_MEDIA_TYPE'],
    ['/', { 'content-type': 'no type' }, 'x', 415, 'FST_ERR_CTP_INVALID_MEDIA_TYPE'],
    ['/limited', json, JSON.stringify({ name: 'x'.repeat(100) }), 413, 'FST_ERR_CTP_BODY_TOO_LARGE'],
  ] as const) {
    const answer = await send(server.port, path, { method: 'POST', headers, body })
    t.equal(answer.status, status, `${status} ${body}`)
    t.equal(answer.json().code, code)
    await server.leavesNothing(t)
  }
})

t.test('a body shorter than it said releases when its client gives up', async t => {
  const server = await governedApp(
    t,
    costly(() => {}),
  )
  const client = await RawClient.to(server.port)
  client.write(`${head('POST /next', { 'content-type': 'text/plain', 'content-length': 1000 })}short`)
  await holds(server)
  client.destroy()
  await server.leavesNothing(t)
})

t.test('a body longer than it said is cut there, and releases', async t => {
  const server = await governedApp(
    t,
    costly(() => {}),
  )
  const five = head('POST /next', { 'content-type': 'text/plain', 'content-length': 5 })
  const client = await RawClient.to(server.port)
  client.write(`${five}longer than said`)
  await soon(client.closed, 'the connection to be cut')
  t.strictSame(client.answers, [400])
  await server.leavesNothing(t)

  const late = await RawClient.to(server.port)
  late.write(`${five}longe`)
  await late.reads(/\r\n\r\nlonge$/)
  late.write('r than said')
  await soon(late.closed, 'the connection to be cut')
  t.strictSame(late.answers, [200, 400])
  await server.leavesNothing(t)
})

t.test('an empty body costs nothing and is served', async t => {
  const server = await governedApp(t, {
    routes: app => app.post('/', async r => ({ bytes: r.plimsoll.bytes })),
  })
  for (const headers of [
    { 'content-length': 0 },
    { 'content-length': 0, 'content-type': 'text/plain' },
    { 'transfer-encoding': 'chunked', 'content-type': 'text/plain' },
  ]) {
    const answer = await send(server.port, '/', { method: 'POST', headers })
    t.strictSame(answer.json(), { bytes: 0 })
  }
  await server.leavesNothing(t)
})
