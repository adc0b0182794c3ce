import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { CHUNKED, chunk, head, LAST_CHUNK } from '../bare-client.ts'
import type { Exchange } from '../framework.ts'
import { HTTP1, type Scenario } from '../scenario.ts'
import type { Trial } from '../trial.ts'

const KiB = 1024

/** How many chunks its handler was given of each request to `/collect`. */
const collected = new WeakMap<Trial, number[]>()

const collecting = (trial: Trial) => {
  const counts: number[] = []
  collected.set(trial, counts)
  const handle = async (exchange: Exchange): Promise<unknown> => {
    const nth = counts.push(0) - 1
    const parts: Buffer[] = []
    for await (const part of exchange.req) {
      counts[nth] = parts.push(part)
    }
    return exchange.reply({ body: Buffer.concat(parts) })
  }
  const echo = (exchange: Exchange): unknown => {
    exchange.hijack?.()
    exchange.res.writeHead(200)
    return new Promise<void>(resolve => {
      exchange.req
        .on('data', part => (exchange.res as ServerResponse).write(part))
        .on('end', () => {
          exchange.res.end()
          resolve()
        })
    })
  }
  return [
    { method: 'POST', path: '/collect', unread: true, handle } as const,
    { method: 'POST', path: '/echo', unread: true, policy: { body: 'stream' }, handle: echo } as const,
    {
      method: 'POST',
      path: '/stream',
      unread: true,
      policy: { body: 'stream' },
      handle: (exchange: Exchange) => trial.keepUnread(exchange),
    } as const,
  ]
}

/** Bodies in pieces that are smaller than what they take. */
export const chunks: readonly Scenario[] = [
  {
    name: 'a body in chunks of one byte comes whole, in chunks that are fewer by far',
    protocols: HTTP1,
    routes: collecting,
    async run(trial) {
      // Letters, since the client reads text.
      const body = randomBytes(10 * KiB).toString('hex')
      const client = await trial.connect()
      client.write(head('POST /collect', CHUNKED))
      client.write(`${[...body].map(piece => chunk(piece)).join('')}${LAST_CHUNK}`)
      await client.reads(new RegExp(body))
      const [count = 0] = collected.get(trial) ?? []
      assert.ok(count < 200, `${count} chunks of ${body.length} bytes`)
    },
  },
  {
    name: 'small chunks among large ones stay in their order',
    routes: collecting,
    async run(trial) {
      let body = ''
      const call = trial.open('POST', '/collect')
      for (let n = 0; n < 200; n++) {
        const piece = String(n).padStart(n % 10 === 9 ? 5000 : 7, '-')
        body += piece
        call.write(piece)
      }
      call.end()
      assert.equal(await call.answer(), 200)
      assert.ok(call.text === body, 'what came back is what was sent')
    },
  },
  {
    name: 'each small chunk reaches its handler before the next one is sent',
    routes: collecting,
    async run(trial) {
      const call = trial.open('POST', '/echo')
      for (let n = 1; n <= 100; n++) {
        call.write('x')
        await call.receives('x'.repeat(n))
      }
      call.end()
      assert.equal(await call.answer(), 200)
    },
  },
  {
    name: 'small chunks that come one by one cost what they take beside their bytes, and are refused where they find no room',
    protocols: HTTP1,
    options: { budget: 40 * KiB },
    routes: collecting,
    async run(trial) {
      const client = await trial.connect()
      client.write(head('POST /collect', { 'Content-Length': 1000 }))
      for (let n = 1; n <= 100; n++) {
        client.write('x')
        await trial.until(
          () => trial.budget.paidIn >= n,
          () => `${n} bytes`,
        )
      }
      const { reserved } = trial.budget
      assert.ok(reserved > 100 * 200, `${reserved} bytes for 100 chunks`)
      const room = trial.occupy()
      for (let n = 101; client.statuses.length === 0 && n <= 1000; n++) {
        client.write('x')
        await trial.until(
          () => collected.get(trial)?.[0] === n || client.statuses.length > 0,
          () => `chunk ${n}`,
        )
      }
      assert.deepEqual(client.statuses, [503])
      assert.deepEqual(trial.refusals, { ERR_PLIMSOLL_NO_ROOM: 1 })
      client.leave()
      room.free()
    },
  },
  {
    name: 'small chunks of a stream cost nothing once they are read',
    routes: collecting,
    options: { budget: 128 * KiB },
    async run(trial) {
      const call = trial.open('POST', '/echo')
      for (let n = 1; n <= 300; n++) {
        call.write('x')
        await call.receives('x'.repeat(n))
      }
      assert.equal(trial.budget.reserved, 128 * KiB)
      call.end()
      assert.equal(await call.answer(), 200)
    },
  },
  {
    name: 'a client that resets after many small chunks leaves nothing behind',
    protocols: HTTP1,
    routes: collecting,
    async run(trial) {
      for (const how of ['leaves', 'ends', 'resets'] as const) {
        const client = await trial.connect()
        client.write(head('POST /collect', CHUNKED) + chunk('x').repeat(3000))
        await trial.until(() => trial.budget.paidIn === 3000, 'all chunks')
        client.leave(how)
        await trial.holds(0)
      }
      assert.deepEqual(trial.refusals, {})
    },
  },
  {
    name: 'trailers end a body as its end does, and too many of them are refused',
    protocols: HTTP1,
    routes: collecting,
    async run(trial) {
      const client = await trial.connect()
      const body = `${chunk('12345')}0\r\n`
      client.write(`${head('POST /collect', CHUNKED)}${body}X-Checksum: 1\r\n\r\n`)
      await client.reads(/12345(\r\n|$)/)
      await trial.holds(0)
      const large = await trial.connect()
      large.write(head('POST /collect', CHUNKED) + body)
      // Node's limit to headers, 16 KiB, holds for them, too.
      large.write(`X-Checksum: ${'1'.repeat(20 * KiB)}\r\n\r\n`)
      await large.closed()
      const many = await trial.connect()
      many.write(head('POST /collect', CHUNKED) + body)
      many.write(`${'a: b\r\n'.repeat(20_000)}\r\n`)
      await many.closed()
      await trial.holds(0)
    },
  },
]
