import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { whatIsLeft } from './fixtures/garbage.ts'
import { answerFault, type Handler, scenario } from './fixtures/governed-server.ts'
import { CHUNKED, chunk, head, LAST_CHUNK, post } from './fixtures/raw-client.ts'
import { until } from './fixtures/until.ts'

const BODY = 16 * 2 ** 20

/** Reads the body whole and attaches it to the request, as body parsers do; remembers all of it weakly. */
function watching(): { handler: Handler; seen: Map<string, WeakRef<object>> } {
  const seen = new Map<string, WeakRef<object>>()
  const handler: Handler = async (req, res, reservation) => {
    const { url = '' } = req
    seen.set(`${url} req`, new WeakRef(req))
    seen.set(`${url} res`, new WeakRef(res))
    seen.set(`${url} reservation`, new WeakRef(reservation))
    try {
      const body = await buffer(req)
      seen.set(`${url} body`, new WeakRef(body))
      Object.assign(req, { body })
      // A listener of the user's that holds all of it, too.
      reservation.signal.addEventListener('abort', () => body.fill(0))
      reservation.hold(Promise.resolve(body))
      res.end('read')
    } catch (error) {
      answerFault(res, error)
    }
  }
  return { handler, seen }
}

const upload = (path: string): string => post(path, '1'.repeat(BODY))

{
  const { handler, seen } = watching()
  scenario(
    'who would still wait in a governor that observes keeps nothing of a request that is over',
    { options: { budget: BODY, mode: 'observe' }, handler },
    async (t, server) => {
      const slow = await server.connect()
      slow.write(head('POST', '/slow', { 'Content-Length': String(BODY) }))
      await until(() => server.governor.stats().active === 1, 'who would have all of the budget')
      const client = await server.connect()
      client.write(upload('/a'))
      t.same(await client.answers(1), [200])
      client.write(head('POST', '/b', CHUNKED) + chunk('1'.repeat(BODY)) + LAST_CHUNK)
      t.same(await client.answers(2), [200, 200])
      await until(() => server.governor.stats().active === 1, 'both to be over')
      t.equal(server.governor.stats().observed.waiting, 2)
      for (const what of ['req', 'res', 'reservation']) seen.delete(`/slow ${what}`)
      t.same(await whatIsLeft(seen), [])
      slow.write('1'.repeat(BODY))
      t.same(await slow.answers(1), [200])
    },
  )
}

{
  const { handler, seen } = watching()
  scenario(
    'an idle keep-alive connection keeps nothing of its last request',
    { options: { budget: 2 * BODY }, handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(upload('/a'))
      t.same(await client.answers(1), [200])
      await server.idle()
      t.equal(seen.size, 4)
      t.same(await whatIsLeft(seen), [])
      client.write(post('/b', 'the connection lives'))
      t.same(await client.answers(2), [200, 200])
    },
  )
}

{
  const { handler, seen } = watching()
  scenario(
    'an idle keep-alive connection keeps nothing of a request whose client still sends nothing more',
    { options: { budget: 2 * BODY }, handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('POST', '/a', CHUNKED) + chunk('1'.repeat(BODY)) + LAST_CHUNK)
      t.same(await client.answers(1), [200])
      await server.idle()
      t.same(await whatIsLeft(seen), [])
    },
  )
}

{
  const { handler, seen } = watching()
  scenario(
    'an idle keep-alive connection keeps nothing of requests that waited, were pipelined or refused',
    { options: { budget: 1000, maxBody: 500 }, handler },
    async (t, server) => {
      const room = server.governor.budget.charge(1000)
      const client = await server.connect()
      client.write(post('/waited', '1'.repeat(400)) + post('/pipelined', '1'.repeat(400)))
      await server.queued(2)
      room.release()
      t.same(await client.answers(2), [200, 200])
      client.write(post('/refused', '1'.repeat(501)))
      t.same(await client.answers(3), [200, 200, 413])
      await server.idle()
      t.equal(seen.size, 8)
      t.same(await whatIsLeft(seen), [])
      t.equal(client.socket.destroyed, false)
    },
  )
}

{
  const seen = new Map<string, WeakRef<object>>()
  scenario(
    'an idle keep-alive connection keeps nothing of a request that was refused before its handler',
    { options: { maxBody: 10 } },
    async (t, server) => {
      server.http.prependListener('request', (req, res) => {
        seen.set('req', new WeakRef(req))
        seen.set('res', new WeakRef(res))
      })
      const client = await server.connect()
      client.write(post('/refused', '1'.repeat(11)))
      t.same(await client.answers(1), [413])
      t.same(await whatIsLeft(seen), [])
      t.equal(client.socket.destroyed, false)
    },
  )
}

function listeners(emitter: EventEmitter): Record<string, number> {
  return Object.fromEntries(emitter.eventNames().map(name => [String(name), emitter.listenerCount(name)]))
}

{
  const counted: Record<string, number>[] = []
  scenario(
    'a kept-alive connection has as many listeners at its tenth request as at its second',
    {
      options: { maxBody: 100 },
      handler: (req: IncomingMessage, res) => {
        counted.push(listeners(req.socket))
        req.resume().on('end', () => res.end())
      },
    },
    async (t, server) => {
      const client = await server.connect()
      for (let n = 0; n < 10; n++) {
        // Refused ones between them leave nothing either.
        client.write(post('/served', '12345') + post('/refused', '1'.repeat(101)))
        await client.answers(2 * n + 2)
      }
      t.equal(counted.length, 10)
      t.same(counted[9], counted[1])
    },
  )
}

t.equal(typeof globalThis.gc, 'function', 'run with --expose-gc')

{
  const { handler, seen } = watching()
  scenario(
    'nor does who would wait on a guess',
    { options: { budget: 4 * BODY, cost: 'auto', mode: 'observe' }, handler },
    async (t, server) => {
      const slow = await server.connect()
      slow.write(head('POST', '/slow', { 'Content-Length': BODY }) + '1'.repeat(BODY - 1))
      await until(() => server.governor.stats().active === 1, 'who would have most of the budget')
      const client = await server.connect()
      client.write(upload('/a'))
      t.same(await client.answers(1), [200])
      await until(() => server.governor.stats().active === 1, 'the other to be over')
      t.equal(server.governor.stats().observed.waiting, 1)
      for (const what of ['req', 'res', 'reservation']) seen.delete(`/slow ${what}`)
      t.same(await whatIsLeft(seen), [])
      slow.write('1')
      t.same(await slow.answers(1), [200])
    },
  )
}
