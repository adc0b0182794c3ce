import t from 'tap'
import { overheadOf, SmallChunks } from '../src/small-chunks.ts'
import { type Handler, scenario } from './fixtures/governed-server.ts'
import { CHUNKED, chunk, head, LAST_CHUNK } from './fixtures/raw-client.ts'
import { until } from './fixtures/until.ts'

t.test('a few small chunks cost nothing, and many nothing where the body is large', async t => {
  t.equal(overheadOf(64, 64), 0)
  t.ok(overheadOf(65, 65) >= 65 * 200)
  t.ok(overheadOf(10_000, 10_000) >= 10_000 * 200)
  t.equal(overheadOf(128, 8 * 2 ** 20), 0)
})

t.test('what is gathered comes in one chunk, in its order, and at once where there is too much', async t => {
  const chunks: string[] = []
  const gathering = new SmallChunks(part => chunks.push(String(part)))
  for (const part of ['one ', 'two ', 'three']) gathering.add(Buffer.from(part))
  t.same([chunks, gathering.length], [[], 13])
  await new Promise(setImmediate)
  t.same([chunks, gathering.length], [['one two three'], 0])
  for (let n = 0; n < 17; n++) gathering.add(Buffer.alloc(1000, 'x'))
  t.equal(chunks[1]?.length, 16_000, 'no more than its buffer holds')
  gathering.flush()
  await new Promise(setImmediate)
  t.equal(chunks.length, 3)
})

/** How many chunks each request has come in. */
const counts: number[] = []
const collect: Handler = (req, res) => {
  const nth = counts.push(0) - 1
  const parts: Buffer[] = []
  req.on('data', part => {
    counts[nth] = parts.push(part)
  })
  req.on('end', () => res.end(String(Buffer.concat(parts))))
}

scenario(
  'chunks of one byte come whole, and as few',
  { options: { budget: '1MiB' }, handler: collect },
  async (t, server) => {
    const client = await server.connect()
    const body = 'plimsoll'.repeat(2000)
    const large = '-'.repeat(5000)
    client.write(head('POST', '/a', CHUNKED) + [...body].map(chunk).join(''))
    client.write(chunk(large) + [...body].map(chunk).join('') + LAST_CHUNK)
    await client.receives(body + large + body)
    t.ok((counts.at(-1) ?? 0) < 100, `${counts.at(-1)} chunks`)
  },
)

for (const [how, framing] of [
  ['with a length', { 'Content-Length': 5000 }],
  ['without', CHUNKED],
] as const) {
  const write = (part: string): string => ('Content-Length' in framing ? part : chunk(part))
  scenario(
    `small chunks one by one cost what they take, in a body ${how}`,
    { options: { budget: 30_000, maxBody: 5000 }, handler: collect },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', framing))
      let sent = 0
      while (client.statuses.length === 0 && sent < 1000) {
        client.write(write('x'))
        sent++
        await until(() => counts.at(-1) === sent || client.statuses.length > 0, `chunk ${sent}`)
      }
      t.same(client.statuses, [413], 'they took more than there is')
      t.ok(sent > 64 && sent < 200, `${sent} chunks`)
    },
  )
}

scenario(
  'small chunks of a stream cost nothing once they were read, and those of an exempt request nothing at all',
  {
    options: { budget: 128 * 1024, body: 'stream', exempt: ({ url }) => url === '/exempt' },
    handler: collect,
  },
  async (t, server) => {
    for (const path of ['/stream', '/exempt']) {
      const client = await server.connect()
      client.write(head('POST', path, CHUNKED))
      for (let sent = 1; sent <= 200; sent++) {
        client.write(chunk('x'))
        await until(() => counts.at(-1) === sent, `chunk ${sent}`)
      }
      t.equal(server.governor.budget.reserved, path === '/exempt' ? 0 : 128 * 1024)
      client.write(LAST_CHUNK)
      await client.receives('x'.repeat(200))
    }
  },
)

scenario(
  'chunks that were gathered are dropped where their body is refused',
  { options: { budget: '1MiB', maxBody: 1000 }, handler: collect },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', CHUNKED) + chunk('x').repeat(1100) + LAST_CHUNK)
    t.same(await client.answers(1), [413])
  },
)

scenario(
  'the last of small chunks is refused where they took too much, though the body ends with it',
  { options: { budget: 20_000 }, handler: collect },
  async (t, server) => {
    const client = await server.connect()
    client.write(head('POST', '/a', { 'Content-Length': 65 }))
    for (let sent = 1; sent <= 64; sent++) {
      client.write('x')
      await until(() => counts.at(-1) === sent, `chunk ${sent}`)
    }
    client.write('x')
    t.same(await client.answers(1), [413])
  },
)
