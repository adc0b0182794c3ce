import t from 'tap'
import { neededOf, priceOf, unboundedPrice } from '../src/price.ts'
import type { HttpRequest } from '../src/request-head.ts'
import { type RoutePolicy, resolvePolicy } from '../src/route-policy.ts'
import { anyValue } from './fixtures/any-value.ts'
import { type Handler, scenario } from './fixtures/governed-server.ts'
import { CHUNKED, chunk, head, LAST_CHUNK } from './fixtures/raw-client.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'

/** Answers with the bytes it holds. */
const answerBytes: Handler = (_req, res, reservation) => res.end(`holds ${reservation.bytes}`)

scenario(
  'a constant cost is reserved with a body and without',
  { options: { budget: 1000, cost: '300B' }, handler: answerBytes },
  async (t, server) => {
    t.match(await server.send('/a'), { text: 'holds 300' })
    t.match(await server.send('/b', '12345'), { text: 'holds 300' })
    const client = await server.connect()
    client.write(head('POST', '/c', CHUNKED) + chunk('12345') + LAST_CHUNK)
    await client.receives('holds 300')
  },
)

scenario(
  'a constant cost leaves the body bounded by what the budget can buffer',
  { options: { budget: 1000, cost: 300 } },
  async (t, server) => {
    t.match(await server.send('/a', '1'.repeat(1000)), { status: 200 })
    t.match(await server.send('/b', '1'.repeat(1001)), { status: 413 }, 'with a length')
    const client = await server.connect()
    client.write(head('POST', '/c', CHUNKED) + chunk('1'.repeat(1001)) + LAST_CHUNK)
    t.same(await client.answers(1), [413], 'without a length')
  },
)

scenario(
  'a cost of 0 admits where nothing is free',
  { options: { budget: 0, cost: 0, maxBody: 5 } },
  async (t, server) => {
    t.match(await server.send('/a', '12345'), { status: 200, text: '5' })
    t.match(await server.send('/b', '123456'), { status: 413 })
  },
)

scenario(
  'a cost function is told the head and the length of the body',
  {
    options: {
      budget: 10_000,
      cost: ({ method, url, headers, declaredBytes }) =>
        method === 'POST' && url === '/a?b' && headers['x-factor'] === '3' ? 3 * (declaredBytes ?? 0) : '1kB',
    },
    handler: answerBytes,
  },
  async (t, server) => {
    t.match(await server.send('/a?b', '12345', { 'X-Factor': 3 }), { text: 'holds 15' })
    t.match(await server.send('/a?b', '', { 'X-Factor': 3 }), { text: 'holds 1000' })
  },
)

const BROKEN: Record<string, () => unknown> = {
  throws: () => {
    throw new TypeError('no such tenant')
  },
  'returns NaN': () => Number.NaN,
  'returns a negative': () => -1,
  'returns infinity': () => Number.POSITIVE_INFINITY,
  'returns nonsense': () => 'plenty',
  'returns nothing': () => undefined,
  'returns null': () => null,
  'returns a promise': async () => 5,
}
for (const [what, cost] of Object.entries(BROKEN)) {
  const logger = recordingLogger()
  scenario(
    `a cost function that ${what} is answered with 500, and nothing is admitted`,
    { options: { logger, cost: head => (head.url === '/next' ? 1 : anyValue<() => number>(cost)()) } },
    async (t, server) => {
      const answer = await server.send('/a', '12345')
      t.equal(answer.status, 500)
      t.match(JSON.parse(answer.text), { code: 'ERR_PLIMSOLL_COST_FUNCTION' })
      t.notMatch(answer.text, /tenant/, 'the client is not told why')
      t.match(server.governor.stats(), { admitted: 0, refused: { ERR_PLIMSOLL_COST_FUNCTION: 1 } })
      t.same(server.handled, [])
      t.match(logger.lines, [{ level: 'error', message: /configuration error/, details: { err: Error } }])
      const client = await server.connect()
      client.write(head('POST', '/b', CHUNKED) + chunk('12345') + LAST_CHUNK)
      t.same(await client.answers(1), [500], 'nor a body without a length')
    },
  )
}

scenario(
  'a cost function that fails for the real length of a body is answered with 500, too',
  {
    options: {
      budget: 1000,
      maxBody: 100,
      cost: ({ declaredBytes = 0 }) => (declaredBytes === 7 ? Number.NaN : declaredBytes),
    },
  },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk('12345') + chunk('67') + LAST_CHUNK)
    t.same(await client.answers(1), [500])
    t.match(client.received, /ERR_PLIMSOLL_COST_FUNCTION/)
    t.match(server.governor.stats(), { admitted: 1, refused: { ERR_PLIMSOLL_COST_FUNCTION: 1 } })
  },
)

let asked = 0
scenario(
  'a cost function that fails only when the body is complete is answered with 500, too',
  {
    options: {
      budget: 1000,
      maxBody: 100,
      cost: ({ url, declaredBytes = 0 }) => (url === '/a' && ++asked > 2 ? Number.NaN : declaredBytes),
    },
  },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk('12345') + LAST_CHUNK)
    t.same(await client.answers(1), [500])
  },
)

const logger = recordingLogger()
scenario(
  'a request without a body that costs more than the budget is a configuration error',
  { options: { budget: 10, logger, cost: ({ url }) => (url === '/a' ? 11 : 1) } },
  async (t, server) => {
    const answer = await server.send('/a')
    t.match(answer, { status: 503, headers: { 'retry-after': undefined } }, 'coming back will not help')
    t.match(JSON.parse(answer.text), { code: 'ERR_PLIMSOLL_COST_OVER_BUDGET' })
    t.match(logger.lines, [{ level: 'error', message: /configuration error: the route costs more/ }])
  },
)

scenario(
  'a route that needs a length refuses a body without one with 411',
  { options: { requireLength: true } },
  async (t, server) => {
    t.match(await server.send('/a', '12345'), { status: 200 })
    t.match(await server.send('/b'), { status: 200 }, 'no body needs none')
    const client = await server.connect()
    client.write(head('POST', '/c', CHUNKED) + chunk('12345') + LAST_CHUNK)
    t.same(await client.answers(1), [411])
    t.match(client.received, /ERR_PLIMSOLL_LENGTH_REQUIRED/)
    t.same(server.handled, ['/a', '/b'])
  },
)

scenario(
  'an exempt request costs nothing and waits for nobody, and its body stays bounded',
  {
    options: {
      budget: 10,
      cost: 10,
      maxBody: 5,
      queue: { limit: 0 },
      exempt: head => head.url === '/health',
    },
    handler: (req, res, reservation, server) => {
      if (req.url === '/health') answerBytes(req, res, reservation, server)
      else server.http.once('answer', () => res.end())
    },
  },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('GET', '/a'))
    await server.reached(1)
    t.match(await server.send('/b'), { status: 503 }, 'the budget is full and nobody may wait')
    t.match(await server.send('/health'), { status: 200, text: 'holds 0' })
    t.match(await server.send('/health', '12345'), { status: 200, text: 'holds 0' })
    t.match(await server.send('/health', '123456'), { status: 413 })
    server.http.emit('answer')
    t.same(await client.answers(1), [200])
  },
)

scenario(
  'the body of an exempt request is bounded without a length, too',
  { options: { maxBody: 5, exempt: () => true } },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk('12345'))
    await server.reached(1)
    t.equal(server.governor.budget.reserved, 0)
    client.write(chunk('6'))
    t.same(await client.answers(1), [413])
  },
)

for (const [what, returned] of Object.entries({
  'a string': 'yes',
  'a number': 1,
  'an object': {},
  nothing: undefined,
})) {
  scenario(
    `${what} from an exempt function exempts nobody`,
    { options: { exempt: () => anyValue<boolean>(returned) }, handler: answerBytes },
    async (t, server) => {
      t.match(await server.send('/a', '12345'), { text: 'holds 5' })
    },
  )
}

scenario(
  'an exempt function that throws is answered with 500, and nothing is admitted',
  {
    options: {
      exempt: head => {
        if (head.url === '/next') return false
        throw new Error('oops')
      },
    },
  },
  async (t, server) => {
    const answer = await server.send('/a', '12345')
    t.equal(answer.status, 500)
    t.match(JSON.parse(answer.text), { code: 'ERR_PLIMSOLL_COST_FUNCTION' })
    t.match(server.governor.stats(), { admitted: 0 })
  },
)

scenario(
  'a policy of a route is laid over that of the governor',
  {
    options: { budget: 1000, cost: 100, maxBody: 50 },
    handler: (_req, res, _reservation, server) => {
      const policies: RoutePolicy[] = [
        { maxBody: 40 },
        { cost: 200 },
        { cost: () => '300B' },
        { body: 'buffer' },
        // A cost is made for one way to read a body.
        { body: 'stream' },
      ]
      const held = policies.map(policy => {
        server.governor.admit(_req, res, policy)
        return server.governor.budget.reserved
      })
      res.end(held.join())
    },
  },
  async (t, server) => {
    t.match(await server.send('/a', '12345'), { text: '100,200,300,100,5' })
  },
)

scenario(
  'a cost function that multiplies is not failed by a body without length or limit',
  {
    options: { budget: 1000, body: 'stream', cost: ({ declaredBytes = 0 }) => 2 * declaredBytes },
    handler: (req, res, reservation) => req.resume().on('end', () => res.end(`holds ${reservation.bytes}`)),
  },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk('12345') + LAST_CHUNK)
    t.same(await client.answers(1), [200])
    await client.receives('holds 10')
  },
)

t.test('of a promise all is needed where its cost can’t be told, or is the handler’s own affair', async t => {
  const req = anyValue<HttpRequest>({ headers: {}, method: 'POST', url: '/' })
  const price = {
    bytes: 100,
    hasBody: true,
    limit: 100,
    costOf: undefined,
    inflated: undefined,
    held: 'body',
  } as const
  const needed = (policy: RoutePolicy | undefined, promised = 100): number =>
    neededOf(req, { ...price, policy: policy && resolvePolicy(policy) }, promised, 10)
  t.equal(needed({}), 10, 'what has arrived')
  t.equal(needed({}, 150), 60, 'and what it has grown by')
  t.equal(needed({ cost: 300 }, 300), 210, 'all but what is still to come')
  t.equal(needed({ cost: 5 }, 5), 5)
  t.equal(needed({ cost: ({ declaredBytes = 0 }) => 2 * declaredBytes }), 20, 'what such a body would cost')
  t.equal(needed({ cost: ({ declaredBytes = 0 }) => 2 * declaredBytes }, 150), 70)
  const fails = (): never => {
    throw new Error('only whole bodies have a cost')
  }
  t.equal(needed({ cost: fails }), 100)
  t.equal(needed(undefined), 100)
})

t.test('a body that S3’s clients frame as they sign it is not taken for a compressed one', async t => {
  const policy = resolvePolicy({})
  for (const [coding, bytes] of [
    ['aws-chunked', 1000],
    ['Identity', 1000],
    ['', 1000],
    ['gzip', 8000],
    ['aws-chunked,gzip', 8000],
  ] as const) {
    const req = anyValue<HttpRequest>({ headers: { 'content-encoding': coding }, method: 'PUT', url: '/' })
    t.equal(priceOf(req, 1000, policy, 100_000).bytes, bytes, coding)
  }
})

t.test('what costs more than the budget takes all of it, up to what one request may cost alone', async t => {
  const policy = resolvePolicy({ cost: ({ declaredBytes = 0 }) => 2 * declaredBytes })
  const req = anyValue<HttpRequest>({ headers: {}, method: 'POST', url: '/' })
  const price = (declared: number, alone?: number) => priceOf(req, declared, policy, 1000, alone)
  t.match(price(500), { bytes: 1000, limit: 500 })
  t.throws(() => price(501), { code: 'ERR_PLIMSOLL_BODY_OVER_BUDGET' })
  t.match(price(501, 1500), { bytes: 1000, limit: 501 })
  t.match(price(750, 1500), { bytes: 1000, limit: 750 })
  t.throws(() => price(751, 1500), { code: 'ERR_PLIMSOLL_BODY_OVER_BUDGET', statusCode: 413 })
})

t.test(
  'an observed request holds what it costs and no more, and its body may be as long as it is',
  async t => {
    const policy = resolvePolicy({ cost: ({ declaredBytes = 0 }) => 100 + declaredBytes, maxBody: 50 })
    const request = (coding?: string) =>
      anyValue<HttpRequest>({ headers: { 'content-encoding': coding }, method: 'POST', url: '/' })
    const never = (error: unknown) => t.fail(String(error))
    const declared = unboundedPrice(priceOf(request(), 20, policy, 1000), never)
    t.match(declared, { bytes: 120, limit: Number.POSITIVE_INFINITY, costOf: undefined, inflated: undefined })
    const unknown = unboundedPrice(priceOf(request(), undefined, policy, 1000), never)
    t.match(unknown, { bytes: 150, limit: Number.POSITIVE_INFINITY })
    t.equal(unknown.costOf?.(20), 120, 'less once it is known to be shorter')
    t.equal(unknown.costOf?.(100_000), 150, 'and no more where it is longer than would be let in')
    const encoded = unboundedPrice(priceOf(request('gzip'), 20, policy, 1000), never)
    t.match(encoded.inflated, { limit: Number.POSITIVE_INFINITY })
    t.equal(encoded.inflated?.costOf?.(50), 150, 'what is inflated is in memory, and counts')
    t.equal(encoded.inflated?.costOf?.(100_000), 150, 'no cost is asked of what would not be let in')
  },
)

t.test(
  'a cost function that fails at an observed body is told of, and the body costs all that it may',
  async t => {
    const cost = ({ declaredBytes = 0 }): number => (declaredBytes === 20 ? Number.NaN : declaredBytes)
    const req = anyValue<HttpRequest>({ headers: {}, method: 'POST', url: '/' })
    const failures: unknown[] = []
    const price = priceOf(req, undefined, resolvePolicy({ cost, maxBody: 50 }), 1000)
    const { costOf } = unboundedPrice(price, error => failures.push(error))
    t.equal(costOf?.(10), 10)
    t.same(failures, [])
    t.equal(costOf?.(20), 50)
    t.match(failures, [{ code: 'ERR_PLIMSOLL_COST_FUNCTION' }])
  },
)
