import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import t, { type Test } from 'tap'
import { scenario } from './fixtures/governed-server.ts'
import { KeptRequests } from './fixtures/kept-requests.ts'
import { head, post } from './fixtures/raw-client.ts'

const NAMES = ['queued', 'admitted', 'refused', 'released'] as const

interface Seen {
  readonly name: string
  readonly url: string | undefined
  readonly message: Record<string, unknown> & { request: { url?: string } }
}

function watch(t: Test): Seen[] {
  const seen: Seen[] = []
  for (const name of NAMES) {
    const onMessage = (message: unknown): void => {
      const told = message as Seen['message']
      seen.push({ name, url: told.request.url, message: told })
    }
    subscribe(`plimsoll:${name}`, onMessage)
    t.teardown(() => unsubscribe(`plimsoll:${name}`, onMessage))
  }
  return seen
}

{
  const kept = new KeptRequests()
  scenario(
    'the way of each request is told in its order',
    { options: { budget: 10, queue: { limit: 1 } }, handler: kept.handler },
    async (t, server) => {
      const seen = watch(t)
      const [one, other] = [await server.connect(), await server.connect()]
      one.write(post('/one', '12345678'))
      await server.reached(1)
      other.write(post('/other', '12345'))
      await server.queued(1)
      await server.send('/refused', '123')
      kept.at(0).reservation.shrink(6)
      kept.at(0).res.end()
      await server.reached(2)
      kept.at(1).res.end()
      await server.idle()
      t.match(seen, [
        { name: 'admitted', url: '/one', message: { bytes: 8, waitedMs: 0 } },
        { name: 'queued', url: '/other', message: { bytes: 5 } },
        {
          name: 'refused',
          url: '/refused',
          message: { error: { code: 'ERR_PLIMSOLL_QUEUE_FULL', bytes: 3 } },
        },
        { name: 'released', url: '/one', message: { bytes: 6 } },
        { name: 'admitted', url: '/other', message: { bytes: 5, waitedMs: Number } },
        { name: 'released', url: '/other', message: { bytes: 5 } },
      ])
      t.equal(seen.length, 6)
      t.equal(seen[0]?.message.request, kept.at(0).req)
      t.ok((seen[4]?.message.waitedMs as number) > 0)
    },
  )
}

{
  const kept = new KeptRequests()
  scenario(
    'a body that is refused while it is read is told, and so is the release of its request',
    { options: { maxBody: 3 }, handler: kept.handler },
    async (t, server) => {
      const seen = watch(t)
      const client = await server.connect()
      client.write(`${head('POST', '/a', { 'Transfer-Encoding': 'chunked' })}4\r\n1234\r\n`)
      t.same(await client.answers(1), [413])
      await server.idle()
      t.same(
        seen.map(({ name }) => name),
        ['admitted', 'refused', 'released'],
      )
    },
  )
}

scenario(
  'a client that is gone while queued is told as refused',
  { options: { cost: 5 } },
  async (t, server) => {
    const room = server.governor.budget.charge(2 ** 20)
    const seen = watch(t)
    const client = await server.connect()
    client.write(head('GET', '/gone'))
    await server.queued(1)
    client.reset()
    await server.queued(0)
    t.match(seen, [
      { name: 'queued' },
      { name: 'refused', message: { error: { code: 'ERR_PLIMSOLL_CLIENT_GONE' } } },
    ])
    t.equal(seen.length, 2)
    room.release()
  },
)

scenario(
  'where nobody listens no message is built',
  { options: { budget: 10, queue: { limit: 1 } } },
  async (t, server) => {
    let published = 0
    for (const name of NAMES) {
      const own = channel(`plimsoll:${name}`)
      t.equal(own.hasSubscribers, false)
      own.publish = () => {
        published++
      }
      t.teardown(() => Reflect.deleteProperty(own, 'publish'))
    }
    const room = server.governor.budget.charge(10)
    const client = await server.connect()
    client.write(post('/waits', '12345'))
    await server.queued(1)
    t.match(await server.send('/refused', '1'), { status: 503 })
    room.release()
    t.same(await client.answers(1), [200])
    await server.idle()
    t.equal(published, 0)
  },
)

t.equal(NAMES.length, 4)

scenario(
  'who is admitted is told with its route, once a request of that was answered',
  { handler: (_req, res) => res.end('answered') },
  async (t, server) => {
    const seen = watch(t)
    for (let n = 0; n < 2; n++) {
      await server.send('/a', '1')
      await server.idle()
    }
    const routes = seen.filter(({ name }) => name === 'admitted').map(({ message }) => message.route)
    t.same(routes, [undefined, 'POST /a'])
  },
)
