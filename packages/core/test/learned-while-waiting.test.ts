import { setImmediate as turn } from 'node:timers/promises'
import { createGunzip, gzipSync } from 'node:zlib'
import type { Mode } from '../src/mode.ts'
import type { RoutePolicy } from '../src/route-policy.ts'
import { type GovernedServer, type Handler, type Setup, scenario } from './fixtures/governed-server.ts'
import { KeptRequests } from './fixtures/kept-requests.ts'
import { head, type RawClient } from './fixtures/raw-client.ts'
import { until } from './fixtures/until.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20
/** Of which a response costs a quarter of which nothing is known. */
const BUDGET = 64 * MiB
const CLIENTS = 20
/** So many come in at first, are answered, and teach that the others cost less than half of that. */
const FIRST = 4

const gzipped = gzipSync(Buffer.alloc(1024))

const get = (): string[] => [head('GET', '/a')]

const postEncoded = (): (string | Buffer)[] => [
  head('POST', '/a', { 'Content-Encoding': 'gzip', 'Content-Length': gzipped.length }),
  gzipped,
]

async function come(server: GovernedServer, parts: () => (string | Buffer)[]): Promise<RawClient[]> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => server.connect()))
  for (const client of clients) for (const part of parts()) client.write(part)
  return clients
}

/** Answers some, in the order in which they came. */
function answer(kept: KeptRequests, from: number, to: number): void {
  for (let at = from; at < to; at++) kept.at(at).res.end('a')
}

async function answerTheRest(server: GovernedServer, kept: KeptRequests, from = FIRST): Promise<void> {
  for (let at = from; at < CLIENTS; at++) {
    await server.reached(at + 1)
    answer(kept, at, at + 1)
  }
}

/** Waits until so many are over, and whoever gets in by that is in. Long before a guess is dropped by time. */
async function learned(server: GovernedServer, over: number): Promise<void> {
  await until(() => server.governor.stats().released === over, 'the end of the first')
  for (let turns = 0; turns < 10; turns++) await turn()
}

for (const [what, parts, first] of [
  ['no body', get, FIRST],
  ['an encoded body', postEncoded, FIRST - 1],
] as const) {
  const kept = new KeptRequests()
  scenario(
    `who waits with ${what} on what was guessed needs less once others have taught that`,
    { options: { budget: BUDGET, cost: 'auto' }, handler: kept.handler },
    async (t, server) => {
      const clients = await come(server, parts)
      await server.reached(first)
      await server.queued(CLIENTS - first)
      t.equal(server.handled.length, first)
      answer(kept, 0, first)
      await learned(server, first)
      t.ok(server.handled.length > 2 * first, `${server.handled.length}, not one for each that is over`)
      t.ok(server.governor.stats().reserved <= BUDGET)
      await answerTheRest(server, kept, first)
      for (const client of clients) t.same(await client.answers(1), [200])
    },
  )
}

for (const [whose, key] of [
  ['each of a share of its own', ({ url }: { url?: string | undefined }) => url],
  ['all of one', () => 'one'],
] as const) {
  const kept = new KeptRequests()
  scenario(
    `what they need less, ${whose}, is their share’s`,
    { options: { budget: BUDGET, cost: 'auto', share: { key, of: 1 } }, handler: kept.handler },
    async (t, server) => {
      let path = 0
      const clients = await come(server, () => [head('GET', `/${path++ % 2}`)])
      await server.reached(FIRST)
      await server.queued(CLIENTS - FIRST)
      answer(kept, 0, FIRST)
      await answerTheRest(server, kept)
      for (const client of clients) t.same(await client.answers(1), [200])
      await server.idle()
      t.equal(server.governor.stats().keys, 0)
    },
  )
}

const observed = new KeptRequests()
scenario(
  'it is observed as it would be',
  { options: { budget: BUDGET, cost: 'auto', mode: 'observe' }, handler: observed.handler },
  async (t, server) => {
    const clients = await come(server, get)
    await server.reached(CLIENTS)
    t.match(server.governor.stats().observed, { waiting: CLIENTS - FIRST })
    answer(observed, 0, FIRST)
    await learned(server, FIRST)
    const { waiting } = server.governor.stats().observed
    t.ok(waiting < CLIENTS - 2 * FIRST, `${waiting} would wait`)
    answer(observed, FIRST, CLIENTS)
    for (const client of clients) t.same(await client.answers(1), [200])
    await until(() => server.governor.stats().observed.waiting === 0, 'the last who would be in')
    t.same(server.governor.stats().observed.refused, {})
  },
)

const outgrown = new KeptRequests()
scenario(
  'who is larger than the budget has become waits on at his price',
  { options: { budget: BUDGET, cost: 'auto' }, handler: outgrown.handler },
  async (t, server) => {
    const { budget } = server.governor
    const clients = await Promise.all(Array.from({ length: FIRST + 1 }, () => server.connect()))
    for (const client of clients.slice(0, FIRST)) client.write(head('GET', '/a'))
    await server.reached(FIRST)
    const large = clients[FIRST] as RawClient
    large.write(head('GET', '/b', { 'Content-Length': 20 * MiB }))
    await server.queued(1)
    // As where there are more workers than before.
    budget.configure(BUDGET / 2)
    answer(outgrown, 0, FIRST)
    await learned(server, FIRST)
    t.equal(server.governor.stats().waiting, 1)
    budget.configure(BUDGET)
    await server.reached(FIRST + 1)
    large.write(Buffer.alloc(20 * MiB))
    answer(outgrown, FIRST, FIRST + 1)
    for (const client of clients) t.same(await client.answers(1), [200])
  },
)

const lined = new KeptRequests()
scenario(
  'who stands in the line of its share is asked anew, too',
  { options: { budget: BUDGET, cost: 'auto', share: { key: () => 'one' } }, handler: lined.handler },
  async (t, server) => {
    const clients = await come(server, get)
    await server.queued(CLIENTS - 1)
    // The share has room for one as long as they cost more than half of it.
    const alone = 6
    for (let at = 0; at < alone; at++) {
      await server.reached(at + 1)
      answer(lined, at, at + 1)
    }
    await learned(server, alone)
    t.ok(server.handled.length > alone + 1, `${server.handled.length}, not one for each that is over`)
    await answerTheRest(server, lined, alone)
    for (const client of clients) t.same(await client.answers(1), [200])
    await server.idle()
    t.equal(server.governor.stats().keys, 0)
  },
)

/** Of which a quarter is so little that one response teaches that they cost nothing. */
const LITTLE = 400 * KiB
/** Costs all of it. */
const LARGE = 130 * KiB

for (const [where, share] of [
  ['in the queue', undefined],
  ['in the line of its share', { key: ({ url = '' }: { url?: string | undefined }) => url }],
] as const) {
  const kept = new KeptRequests()
  scenario(
    `who turns out to cost nothing ${where} does not wait for the turn of who is large`,
    {
      options: { budget: LITTLE, cost: 'auto', queue: { passBytes: 0 }, ...(share && { share }) },
      handler: kept.handler,
    },
    async (t, server) => {
      const paths = ['/a', '/b', '/c', '/d']
      const [large, last, ...first] = await Promise.all(Array.from({ length: 6 }, () => server.connect()))
      for (const [at, client] of first.entries()) {
        client.write(head('GET', paths[at] as string))
        await server.reached(at + 1)
      }
      large?.write(head('POST', '/large', { 'Content-Length': LARGE }))
      await server.queued(1)
      last?.write(head('GET', '/a'))
      await server.queued(2)
      answer(kept, 0, 1)
      await learned(server, 1)
      t.same(server.handled, [...paths, '/a'], 'the large one waits for the others')
      answer(kept, 1, 5)
      large?.write(Buffer.alloc(LARGE))
      await server.reached(6)
      answer(kept, 5, 6)
      for (const client of [...first, last, large]) t.same(await client?.answers(1), [200])
    },
  )
}

/** A route's own policy comes second, as in a router of Express. */
function admittedTwice(
  policy: RoutePolicy,
  mode: Mode = 'observe',
): { readonly kept: KeptRequests; readonly setup: Setup } {
  const kept = new KeptRequests()
  const handler: Handler = (req, res, reservation, server) => {
    server.governor.admit(req, res, policy)
    kept.handler(req, res, reservation, server)
  }
  return { kept, setup: { options: { budget: BUDGET, cost: 'auto', mode }, handler } }
}

{
  const { kept, setup } = admittedTwice({ maxBody: '1MiB' }, 'enforce')
  scenario('a second admission knows what was learned during the first', setup, async (t, server) => {
    const clients = await come(server, get)
    await server.reached(FIRST)
    await server.queued(CLIENTS - FIRST)
    answer(kept, 0, FIRST)
    await answerTheRest(server, kept)
    for (const client of clients) t.same(await client.answers(1), [200])
    t.same(server.governor.stats().refused, {})
  })
}

{
  const { kept, setup } = admittedTwice({ maxBody: '1MiB' })
  scenario(
    'what a second admission costs is known when who is observed would be let in',
    setup,
    async (t, server) => {
      const clients = await come(server, get)
      await server.reached(CLIENTS)
      answer(kept, 0, 2 * FIRST)
      await learned(server, 2 * FIRST)
      answer(kept, 2 * FIRST, CLIENTS)
      for (const client of clients) t.same(await client.answers(1), [200])
      await until(() => server.governor.stats().observed.waiting === 0, 'the last who would be in')
      t.same(server.governor.stats().observed.refused, {})
    },
  )
}

{
  const { kept, setup } = admittedTwice({ maxBody: 100 })
  scenario(
    'what a second admission allows holds, whatever is learned afterwards',
    setup,
    async (t, server) => {
      const clients = await Promise.all(Array.from({ length: FIRST + 1 }, () => server.connect()))
      const late = clients.pop() as RawClient
      for (const client of clients) client.write(head('POST', '/a', { 'Content-Length': 0 }))
      await server.reached(FIRST)
      late.write(head('POST', '/a', { 'Content-Encoding': 'gzip', 'Content-Length': gzipped.length }))
      await server.reached(FIRST + 1)
      answer(kept, 0, FIRST - 1)
      await learned(server, FIRST - 1)
      kept.at(FIRST).req.pipe(createGunzip()).resume()
      late.write(gzipped)
      await until(
        () => server.governor.stats().observed.refused.ERR_PLIMSOLL_BODY_TOO_LARGE === 1,
        'a body that would be too large',
      )
      answer(kept, FIRST - 1, FIRST + 1)
      for (const client of [...clients, late]) t.same(await client.answers(1), [200])
    },
  )
}

{
  let asked = 0
  const { kept, setup } = admittedTwice({
    cost: () => {
      if (asked++ >= CLIENTS) throw new Error('no more')
      return BUDGET / FIRST
    },
  })
  scenario('a cost function that throws by then is told as it would be', setup, async (t, server) => {
    const clients = await come(server, get)
    await server.reached(CLIENTS)
    answer(kept, FIRST, CLIENTS)
    await learned(server, CLIENTS - FIRST)
    const { refused } = server.governor.stats().observed
    t.same(refused, { ERR_PLIMSOLL_COST_FUNCTION: CLIENTS - FIRST })
    answer(kept, 0, FIRST)
    for (const client of clients) t.same(await client.answers(1), [200])
  })
}
