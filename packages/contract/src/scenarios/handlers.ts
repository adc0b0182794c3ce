import assert from 'node:assert/strict'
import { CHUNKED, chunk, head, LAST_CHUNK } from '../bare-client.ts'
import type { Call } from '../call.ts'
import type { Kept } from '../kept.ts'
import { HTTP1, type Scenario } from '../scenario.ts'
import type { Trial } from '../trial.ts'
import { turns } from '../until.ts'

/** A request in its handler, that has read its body of five bytes. */
async function inHandler(trial: Trial): Promise<{ call: Call; kept: Kept }> {
  const call = trial.open('POST', '/keep', { length: 5 })
  call.end('12345')
  return { call, kept: await trial.handled(1) }
}

/** What handlers do that they should not. */
export const handlers: readonly Scenario[] = [
  {
    name: 'a handler that throws before its headers is answered by the framework, and released',
    async run(trial) {
      const { call, kept } = await inHandler(trial)
      kept.does(() => {
        throw new Error('on purpose')
      })
      assert.equal(await call.answer(), 500)
    },
  },
  {
    name: 'a handler that throws after its headers is released with its client',
    async run(trial) {
      const { call, kept } = await inHandler(trial)
      const { exchange } = kept
      kept.does(() => {
        exchange.hijack?.()
        const res = exchange.res as NodeJS.WritableStream & typeof exchange.res
        res.writeHead(200)
        res.write('begun')
        throw new Error('on purpose')
      })
      // Some frameworks cut it, others leave it to its client.
      await trial.until(() => call.text === 'begun' || call.cut, 'the beginning of an answer')
      await turns()
      call.leave()
      await trial.until(() => kept.reservation.released, 'the release')
    },
  },
  {
    name: 'a handler that destroys its response is released',
    async run(trial) {
      const { call, kept } = await inHandler(trial)
      kept.does(() => {
        kept.exchange.hijack?.()
        destroy(kept)
      })
      await call.broken()
      assert.equal(call.status, undefined)
      await trial.until(() => kept.reservation.released, 'the release')
    },
  },
  {
    name: 'a handler that destroys its request is released',
    // On HTTP/2 that does nothing to its stream.
    protocols: HTTP1,
    async run(trial) {
      const call = trial.open('POST', '/unread', { length: 100 })
      const kept = await trial.handled(1)
      kept.does(() => {
        kept.exchange.hijack?.()
        kept.exchange.req.destroy()
      })
      await call.broken()
      await trial.until(() => kept.reservation.released, 'the release')
    },
  },
  {
    name: 'a handler that answers while its body is still coming is released, and the connection goes on',
    protocols: HTTP1,
    async run(trial) {
      const client = await trial.connect()
      client.write(`${head('POST /unread', { 'Content-Length': 10 })}12345`)
      const kept = await trial.handled(1)
      kept.reply({ body: 'enough' })
      assert.deepEqual(await client.answers(1), [200])
      await trial.until(() => kept.reservation.released, 'the release')
      client.write('67890')
      assert.equal((await client.next()).status, 200)
    },
  },
  {
    name: 'a handler that answers while a large body is still coming is released before that ends',
    async run(trial) {
      const call = trial.open('POST', '/unread', { length: 2 ** 20 })
      call.write(Buffer.alloc(2 ** 18))
      const kept = await trial.handled(1)
      kept.reply({ body: 'enough' })
      assert.equal(await call.answer(), 200)
      await trial.until(() => kept.reservation.released, 'the release')
      call.leave()
    },
  },
  {
    name: 'a handler that answers first and reads on holds its bytes to the end of its body',
    async run(trial) {
      const call = trial.open('POST', '/unread', { length: 10 })
      call.write('12345')
      const kept = await trial.handled(1)
      let read = ''
      kept.does(() => {
        kept.exchange.req.on('data', (chunk: Buffer) => {
          read += chunk
        })
        return kept.exchange.reply({ body: 'enough' })
      })
      await call.receives('enough')
      await trial.holds(10, 5)
      await turns()
      assert.equal(kept.reservation.released, false)
      call.end('67890')
      await trial.until(() => kept.reservation.released, 'the release')
      assert.equal(read, '1234567890')
    },
  },
  {
    name: 'a handler that breaks off reading answers, and is released',
    protocols: HTTP1,
    async run(trial) {
      const client = await trial.connect()
      client.write(head('POST /unread', CHUNKED) + chunk('12345'))
      const kept = await trial.handled(1)
      kept.does(async () => {
        for await (const _ of kept.exchange.req) break
        return kept.exchange.reply({ status: 507, body: 'full' })
      })
      await client.answers(1)
      client.write(chunk('67890') + LAST_CHUNK)
      await trial.until(() => kept.reservation.released, 'the release')
      assert.deepEqual(client.statuses, [507])
      client.leave()
    },
  },
  {
    name: 'a handler that hijacks its response holds its bytes until that is over',
    async run(trial) {
      const { call, kept } = await inHandler(trial)
      const { exchange } = kept
      const res = exchange.res as NodeJS.WritableStream & typeof exchange.res
      kept.does(() => {
        exchange.hijack?.()
        res.writeHead(200)
        res.write('begun')
      })
      await call.receives('begun')
      await turns()
      assert.equal(kept.reservation.bytes, 5)
      res.end(' and ended')
      assert.equal(await call.answer(), 200)
      assert.equal(call.text, 'begun and ended')
      await trial.until(() => kept.reservation.released, 'the release')
    },
  },
  {
    name: 'a request that no route knows is released',
    async run(trial) {
      for (const call of [await trial.send('GET', '/nowhere'), await trial.send('POST', '/nowhere', '12345')])
        assert.equal(call.status, 404)
    },
  },
]

function destroy({ exchange: { res } }: Kept): void {
  // HTTP/2's has no destroy of its own.
  if ('stream' in res) res.stream.destroy()
  else res.destroy(new Error('on purpose'))
}
