import fc from 'fast-check'
import t from 'tap'
import { costOfRead, priceByItself } from '../src/auto-cost.ts'
import { defaultCost } from '../src/body-kind.ts'
import { FREE, type Price, STREAM_WINDOW } from '../src/price.ts'
import type { HttpRequest } from '../src/request-head.ts'
import { type RoutePolicy, resolvePolicy } from '../src/route-policy.ts'
import { anyValue } from './fixtures/any-value.ts'
import { holds } from './fixtures/holds.ts'
import { randomSeed } from './fixtures/random-seed.ts'

const seed = randomSeed(t)

const MIB = 2 ** 20
const BEARING = { capacity: 16 * MIB, alone: 40 * MIB }
const TYPES = {
  json: 'application/json; charset=utf-8',
  text: 'text/csv',
  form: 'application/x-www-form-urlencoded',
  multipart: 'multipart/form-data; boundary=x',
  buffer: 'application/octet-stream',
} as const

interface Asked {
  readonly type?: string
  readonly coding?: string
  readonly policy?: RoutePolicy
  readonly response?: number
  readonly bearing?: typeof BEARING
}

function price(declared: number | undefined, asked: Asked = {}): Price {
  const { type, coding, policy = {}, response = 0, bearing = BEARING } = asked
  const headers = { 'content-type': type, 'content-encoding': coding }
  const req = anyValue<HttpRequest>({ headers, method: 'POST', url: '/' })
  return priceByItself(req, declared, resolvePolicy({ cost: 'auto', ...policy }), response, bearing)
}

for (const [kind, type] of Object.entries(TYPES)) {
  t.test(`a body of the kind ${kind} costs what that kind takes`, async t => {
    const { fixed, perByte } = defaultCost(kind as keyof typeof TYPES)
    for (const declared of [1, 1001, 100_000])
      t.match(price(declared, { type }), {
        bytes: Math.ceil(fixed + perByte * declared),
        hasBody: true,
        limit: declared,
        held: 'body',
      })
    t.same(costOfRead(kind as keyof typeof TYPES), { fixed, perByte })
  })
}

t.test('a body that is streamed costs a window, however long it is and whatever its kind', async t => {
  const policy = { body: 'stream' } as const
  for (const declared of [1, 1000 * MIB, undefined])
    t.match(price(declared, { policy, type: TYPES.json }), { bytes: STREAM_WINDOW, held: 'window' })
  t.equal(price(undefined, { policy }).limit, Number.POSITIVE_INFINITY)
})

t.test('a request without a body costs what its response does', async t => {
  t.equal(price(0), FREE, 'which may be nothing')
  t.same(price(0, { response: MIB }), { ...FREE, bytes: MIB, response: MIB })
  t.match(price(0, { response: 100 * MIB }), { bytes: 16 * MIB, response: 16 * MIB }, 'no more than there is')
})

t.test('where more than a part can be had, a response is not guessed to cost more', async t => {
  const bearing = { ...BEARING, part: MIB }
  t.match(price(0, { response: 3 * MIB, bearing }), { bytes: MIB, response: MIB })
  const { bytes } = price(2 * MIB)
  t.ok(bytes > MIB)
  t.match(price(2 * MIB, { response: 3 * MIB, bearing }), { bytes })
})

t.test('a request with a body costs what its response does besides', async t => {
  const { bytes } = price(1000)
  t.match(price(1000, { response: MIB }), { bytes: bytes + MIB, response: MIB })
  t.notOk('response' in price(1000), 'of what costs nothing nothing is said')
})

t.test('a body without a length costs what the largest would, and then what it is', async t => {
  const { bytes, limit, costOf, response } = price(undefined, { response: MIB, policy: { maxBody: MIB } })
  const { fixed, perByte } = defaultCost('buffer')
  t.same([bytes, limit, response], [fixed + MIB + perByte * MIB, MIB, MIB])
  t.equal(costOf?.(1000), fixed + MIB + perByte * 1000)
  const longest = Math.floor((BEARING.alone - fixed) / perByte)
  t.match(price(undefined), { bytes: BEARING.capacity, limit: longest }, 'as long as one may be alone')
  t.equal(price(undefined).costOf?.(longest), BEARING.capacity)
  t.match(price(undefined, { policy: { maxBody: 5 } }), { limit: 5 })
  t.match(
    price(undefined, { bearing: { capacity: 1000, alone: 1000 } }),
    { limit: 0 },
    'which may be nothing',
  )
})

t.test('an encoded body costs what it will probably become, and its response', async t => {
  const { fixed, perByte } = defaultCost('json')
  const { bytes, response } = price(1000, { type: TYPES.json, coding: 'gzip', response: MIB })
  t.same([bytes, response], [fixed + MIB + 8 * perByte * 1000, MIB])
})

t.test(
  'one body that costs more than the budget takes all of it, where the container can bear it',
  async t => {
    const { fixed, perByte } = defaultCost('json')
    const largest = Math.floor((BEARING.alone - fixed) / perByte)
    t.match(price(largest, { type: TYPES.json }), { bytes: BEARING.capacity, limit: largest })
    t.throws(() => price(largest + 1, { type: TYPES.json }), {
      code: 'ERR_PLIMSOLL_BODY_OVER_BUDGET',
      statusCode: 413,
    })
  },
)

t.test('what its response costs has no body refused that would be taken without', async t => {
  const bearing = { capacity: MIB, alone: MIB }
  const { fixed, perByte } = defaultCost('buffer')
  const largest = Math.floor((MIB - fixed) / perByte)
  for (const response of [0, MIB / 4, 100 * MIB])
    t.match(price(largest, { response, bearing }), { hasBody: true, limit: largest }, `${response} bytes`)
  t.match(price(1000, { response: 100 * MIB, bearing }), {
    bytes: MIB,
    response: MIB - fixed - perByte * 1000,
  })
})

t.test('a body longer than the route allows is refused, whatever it costs', async t => {
  const policy = { maxBody: 1000 }
  t.match(price(1000, { policy }), { limit: 1000 })
  t.throws(() => price(1001, { policy }), { code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' })
})

t.test('no price is above the budget, and none of a response above what is left beside the body', async t => {
  const type = fc.constantFrom(...Object.values(TYPES), undefined)
  const declared = fc.oneof(fc.nat(1000), fc.nat(2 * MIB), fc.constant(undefined))
  const response = fc.oneof(fc.constant(0), fc.nat(40 * MIB))
  const body = fc.constantFrom('buffer' as const, 'stream' as const)
  const property = fc.asyncProperty(
    declared,
    type,
    response,
    body,
    async (declared, type, response, body) => {
      const asked = { ...(type === undefined ? {} : { type }), policy: { body } }
      const alone = price(declared, asked)
      const both = price(declared, { ...asked, response })
      if (!Number.isSafeInteger(both.bytes)) throw new Error(`${both.bytes} are no bytes`)
      if (both.bytes > BEARING.capacity) throw new Error(`${both.bytes} of ${BEARING.capacity}`)
      const left = both.bytes - (both.response ?? 0)
      if (declared !== undefined && left < alone.bytes) throw new Error(`${left} is left for ${alone.bytes}`)
    },
  )
  await holds(t, property as fc.IAsyncProperty<unknown>, seed, 500)
})
