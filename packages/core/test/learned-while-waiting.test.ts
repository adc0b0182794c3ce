import { setImmediate as turn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { type GovernedServer, scenario } from './fixtures/governed-server.ts'
import { KeptRequests } from './fixtures/kept-requests.ts'
import { head, type RawClient } from './fixtures/raw-client.ts'
import { until } from './fixtures/until.ts'

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
