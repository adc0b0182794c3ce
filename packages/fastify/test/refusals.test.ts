import type { PlimsollError } from '@plimsoll/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import t from 'tap'
import { type Call, head, RawClient, send } from './fixtures/client.ts'
import { type GovernedApp, governedApp, idle, KiB, MiB, type Setup } from './fixtures/governed-app.ts'

const chunked = { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' }

interface Refused {
  readonly status: number
  readonly code: string
  readonly error: string
  readonly message: string
  /** Retry-After, and whether the connection is closed. */
  readonly retry: boolean
  readonly closes: boolean
  readonly path: string
  readonly call: Call
  /** The whole budget is taken meanwhile. */
  readonly full?: true
}

const setup = (extra: Partial<Setup> = {}): Setup => ({
  options: { budget: '64KiB', queue: { limit: 0, timeoutMs: 10_000 } },
  ...extra,
  routes: app => {
    const answers = async () => 'served'
    app.post('/', answers)
    app.post('/small', { config: { plimsoll: { maxBody: '1KiB' } } }, answers)
    app.post('/length', { config: { plimsoll: { requireLength: true } } }, answers)
    app.get('/dear', { config: { plimsoll: { cost: '1MiB' } } }, answers)
    app.get('/work', { config: { plimsoll: { cost: '1KiB' } } }, answers)
    const fails = () => {
      throw new Error('price list lost: 12345')
    }
    app.get('/throws', { config: { plimsoll: { cost: fails } } }, answers)
    app.get('/nan', { config: { plimsoll: { cost: () => Number.NaN } } }, answers)
    app.get('/undefined', { config: { plimsoll: { cost: () => undefined as unknown as number } } }, answers)
    return extra.routes?.(app)
  },
})

const CASES: Refused[] = [
  {
    status: 413,
    code: 'ERR_PLIMSOLL_BODY_TOO_LARGE',
    error: 'Payload Too Large',
    message: 'The request body is too large',
    retry: false,
    closes: false,
    path: '/small',
    call: { body: Buffer.alloc(2 * KiB) },
  },
  {
    status: 413,
    code: 'ERR_PLIMSOLL_BODY_TOO_LARGE',
    error: 'Payload Too Large',
    message: 'The request body is too large',
    retry: false,
    closes: true,
    path: '/small',
    call: { body: Buffer.alloc(2 * KiB), headers: chunked },
  },
  {
    status: 413,
    code: 'ERR_PLIMSOLL_BODY_OVER_BUDGET',
    error: 'Payload Too Large',
    message: 'The request body is too large',
    retry: false,
    closes: true,
    path: '/',
    call: { body: Buffer.alloc(100 * KiB) },
  },
  {
    status: 503,
    code: 'ERR_PLIMSOLL_QUEUE_FULL',
    error: 'Service Unavailable',
    message: 'Too many requests wait already',
    retry: true,
    closes: false,
    path: '/work',
    call: {},
    full: true,
  },
  {
    status: 503,
    code: 'ERR_PLIMSOLL_QUEUE_FULL',
    error: 'Service Unavailable',
    message: 'Too many requests wait already',
    retry: true,
    closes: true,
    path: '/',
    call: { body: 'x', headers: chunked },
    full: true,
  },
  {
    status: 503,
    code: 'ERR_PLIMSOLL_COST_OVER_BUDGET',
    error: 'Service Unavailable',
    message: 'The request needs more memory than there is',
    retry: false,
    closes: false,
    path: '/dear',
    call: {},
  },
  {
    status: 411,
    code: 'ERR_PLIMSOLL_LENGTH_REQUIRED',
    error: 'Length Required',
    message: 'The request needs a Content-Length',
    retry: false,
    closes: true,
    path: '/length',
    call: { body: 'x', headers: chunked },
  },
  ...['/throws', '/nan', '/undefined'].map(path => ({
    status: 500,
    code: 'ERR_PLIMSOLL_COST_FUNCTION',
    error: 'Internal Server Error',
    message: 'The cost of this request could not be told',
    retry: false,
    closes: false,
    path,
    call: {},
  })),
]

async function refuse(server: GovernedApp, { path, call, full }: Refused) {
  const taken = full ? server.governor.budget.tryAcquire('64KiB') : undefined
  try {
    return await send(server.port, path, call)
  } finally {
    taken?.release()
  }
}

t.test('a refusal has the shape of Fastify\u2019s own errors', async t => {
  const server = await governedApp(t, setup())
  for (const refused of CASES) {
    const { status, code, error, message, retry, closes, path } = refused
    await t.test(`${status} ${code} at ${path}`, async t => {
      const answer = await refuse(server, refused)
      t.equal(answer.status, status)
      t.strictSame(answer.json(), { statusCode: status, code, error, message })
      t.match(answer.headers['content-type'], 'application/json')
      t.equal('retry-after' in answer.headers, retry, 'Retry-After')
      t.equal(answer.headers.connection === 'close', closes, 'Connection: close')
      t.notMatch(message, /\d/, 'tells no number')
      await server.leavesNothing(t)
    })
  }
})

t.test('a refusal goes to the server\u2019s error handler, and keeps its headers', async t => {
  const told: PlimsollError[] = []
  const server = await governedApp(
    t,
    setup({
      routes: app =>
        app.setErrorHandler((error: PlimsollError, _request, reply) => {
          told.push(error)
          return reply.code(error.statusCode).type('text/plain').send(`Sorry: ${error.code}`)
        }),
    }),
  )
  for (const refused of CASES) {
    const answer = await refuse(server, refused)
    t.equal(answer.status, refused.status)
    t.equal(answer.body.toString(), `Sorry: ${refused.code}`)
    t.equal('retry-after' in answer.headers, refused.retry, 'Retry-After')
    t.equal(answer.headers.connection === 'close', refused.closes, 'Connection: close')
    t.match(told.pop(), { code: refused.code, statusCode: refused.status, name: 'PlimsollError' })
    t.equal(told.length, 0, 'told once')
    await server.leavesNothing(t)
  }
})

t.test('the error handler, not the client, is told the figures', async t => {
  const told: object[] = []
  const server = await governedApp(
    t,
    setup({
      routes: app =>
        app.setErrorHandler((error: PlimsollError, _request, reply) => {
          told.push({ bytes: error.bytes, limit: error.limit, cause: error.cause })
          reply.code(error.statusCode).send(error)
        }),
    }),
  )
  const answer = await send(server.port, '/small', { body: Buffer.alloc(2 * KiB) })
  t.strictSame(Object.keys(answer.json()).sort(), ['code', 'error', 'message', 'statusCode'])
  await send(server.port, '/throws')
  t.match(told, [
    { bytes: 2 * KiB, limit: KiB },
    { bytes: undefined, cause: /price list lost/ },
  ])
  await server.leavesNothing(t)
})

t.test('a route\u2019s and a child plugin\u2019s error handler are the ones that answer', async t => {
  const answer = (by: string) => (error: Error, _request: FastifyRequest, reply: FastifyReply) =>
    reply.code((error as PlimsollError).statusCode).send({ by })
  const config = { plimsoll: { cost: '1MiB' } }
  const server = await governedApp(
    t,
    setup({
      routes: app => {
        app.setErrorHandler(answer('server'))
        app.get('/route', { config, errorHandler: answer('route') }, async () => 'served')
        app.register(async child => {
          child.setErrorHandler(answer('child'))
          child.get('/child', { config }, async () => 'served')
        })
      },
    }),
  )
  for (const [path, by] of [
    ['/dear', 'server'],
    ['/route', 'route'],
    ['/child', 'child'],
  ] as const) {
    const refused = await send(server.port, path)
    t.equal(refused.status, 503)
    t.strictSame(refused.json(), { by })
  }
  await server.leavesNothing(t)
})

t.test('an error handler that throws still answers, and keeps the headers', async t => {
  const server = await governedApp(
    t,
    setup({
      routes: app =>
        app.setErrorHandler(() => {
          throw new Error('handler broke')
        }),
    }),
  )
  const taken = server.governor.budget.tryAcquire('64KiB')
  const answer = await send(server.port, '/work')
  t.match(answer.json(), { message: 'handler broke' })
  t.ok(answer.headers['retry-after'])
  taken?.release()
  await server.leavesNothing(t)
})

t.test('user hooks run for a refusal as for any error', async t => {
  const ran: string[] = []
  const server = await governedApp(
    t,
    setup({
      routes: app => {
        app.addHook('onRequest', async () => void ran.push('onRequest after the plugin'))
        app.addHook('preHandler', async () => void ran.push('preHandler'))
        app.addHook('onError', async (_request, _reply, error) => void ran.push(`onError ${error.code}`))
        app.addHook('onSend', async (_request, reply) => void ran.push(`onSend ${reply.statusCode}`))
        app.addHook('onResponse', async (_request, reply) => void ran.push(`onResponse ${reply.statusCode}`))
        app.addHook('onRequestAbort', async _request => void ran.push('onRequestAbort'))
      },
    }),
  )
  t.equal((await send(server.port, '/small', { body: Buffer.alloc(2 * KiB) })).status, 413)
  await idle(server.governor)
  t.strictSame(ran, ['onError ERR_PLIMSOLL_BODY_TOO_LARGE', 'onSend 413', 'onResponse 413'])
  ran.length = 0
  await server.leavesNothing(t)
  t.strictSame(ran, ['onRequest after the plugin', 'preHandler', 'onSend 200', 'onResponse 200'])
})

t.test('Retry-After is whole seconds within the time a request may wait, and differs', async t => {
  const server = await governedApp(t, {
    options: { budget: '1KiB', queue: { limit: 0, timeoutMs: 1_000_000 } },
    routes: app => app.get('/', { config: { plimsoll: { cost: '1KiB' } } }, async () => 'served'),
  })
  const taken = server.governor.budget.tryAcquire('1KiB')
  const told = new Set<number>()
  for (let i = 0; i < 20; i++) {
    const seconds = Number((await send(server.port, '/')).headers['retry-after'])
    t.ok(Number.isInteger(seconds) && seconds >= 500 && seconds <= 1000, `${seconds} s`)
    told.add(seconds)
  }
  t.ok(told.size > 1, 'jittered')
  taken?.release()
  await server.leavesNothing(t)
})

t.test('a request that waited too long is refused with 503', async t => {
  const server = await governedApp(t, {
    options: { budget: '1KiB', queue: { limit: 5, timeoutMs: 30 } },
  })
  const taken = server.governor.budget.tryAcquire('1KiB')
  const answer = await send(server.port, '/next', { body: 'x' })
  t.match(answer.json(), { statusCode: 503, code: 'ERR_PLIMSOLL_QUEUE_TIMEOUT', message: /^\D+$/ })
  t.equal(answer.headers['retry-after'], '1')
  taken?.release()
  await server.leavesNothing(t)
})

t.test('a length that is no safe number is refused with 400', async t => {
  const server = await governedApp(t)
  for (const length of ['9007199254740993', '99999999999999999999', '-1', '+5', '5, 5', '0x10']) {
    const client = await RawClient.to(server.port)
    client.write(head('POST /next', { 'content-type': 'text/plain', 'content-length': length }))
    await client.reads(/^HTTP\/1\.1 (?:400|413) /)
    client.destroy()
  }
  const client = await RawClient.to(server.port)
  client.write(head('POST /next', { 'content-length': '9007199254740993' }))
  await client.reads(/HTTP\/1\.1 400 .*"code":"ERR_PLIMSOLL_BAD_LENGTH"/s)
  client.destroy()
  t.pass('each was refused')
  await server.leavesNothing(t)
})

t.test('a body larger than the budget is refused at once, however many wait', async t => {
  const server = await governedApp(t, {
    options: { budget: '1KiB' },
    server: { bodyLimit: 64 * MiB },
  })
  const taken = server.governor.budget.tryAcquire('1KiB')
  const waiting = send(server.port, '/next', { body: '1', headers: { 'content-type': 'text/plain' } })
  t.equal((await send(server.port, '/next', { body: Buffer.alloc(2 * KiB) })).status, 413)
  t.equal(server.governor.budget.reserved, KiB, 'before anything came free')
  taken?.release()
  t.equal((await waiting).status, 200)
  await server.leavesNothing(t)
})

t.test('a flood of refusals is no flood of log lines', async t => {
  const lines: object[] = []
  const server = await governedApp(t, {
    server: { logger: { level: 'warn', stream: { write: (line: string) => lines.push(JSON.parse(line)) } } },
    options: { budget: '1KiB', queue: { limit: 0 } },
    routes: app => app.get('/', { config: { plimsoll: { cost: '1KiB' } } }, async () => 'served'),
  })
  const taken = server.governor.budget.tryAcquire('1KiB')
  for (let i = 0; i < 50; i++) t.equal((await send(server.port, '/')).status, 503)
  taken?.release()
  await server.leavesNothing(t)
  t.equal(server.governor.stats().refused.ERR_PLIMSOLL_QUEUE_FULL, 50)
  t.equal(lines.length, 1)
  t.match(lines, [{ level: 40, msg: 'plimsoll refused a request', code: 'ERR_PLIMSOLL_QUEUE_FULL' }])
})

t.test('what an error handler logs by itself of a refusal is logged', async t => {
  const lines: { msg: string }[] = []
  const server = await governedApp(t, {
    server: { logger: { level: 'error', stream: { write: (line: string) => lines.push(JSON.parse(line)) } } },
    options: { budget: '1KiB' },
    routes: app =>
      app.setErrorHandler((error: PlimsollError, _request, reply) => {
        reply.log.error({ code: error.code }, 'seen %d', 1)
        reply.log.error('seen again')
        reply.log.error({ err: new Error('another') })
        reply.code(error.statusCode).send(error)
      }),
  })
  t.equal((await send(server.port, '/next', { body: Buffer.alloc(2 * KiB) })).status, 413)
  t.strictSame(
    lines.map(({ msg }) => msg),
    ['seen 1', 'seen again', 'another'],
  )
  await server.leavesNothing(t)
})

t.test('a request that was answered while it waited is not answered again', async t => {
  let served = 0
  const server = await governedApp(t, {
    options: { budget: '1KiB', cost: '1KiB' },
    routes: app =>
      app.get('/', { handlerTimeout: 30 }, async () => {
        served++
        return 'served'
      }),
  })
  const taken = server.governor.budget.tryAcquire('1KiB')
  const answer = await send(server.port, '/')
  t.match(answer.json(), { statusCode: 503, code: 'FST_ERR_HANDLER_TIMEOUT' })
  taken?.release()
  await server.leavesNothing(t)
  t.equal(served, 0)
})
