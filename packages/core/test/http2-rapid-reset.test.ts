import http2, { constants } from 'node:http2'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Governor } from '../src/governor.ts'
import type { GovernorOptions } from '../src/governor-options.ts'
import { bytesInUse } from './fixtures/garbage.ts'
import { isIdle } from './fixtures/governed-server.ts'
import { listening } from './fixtures/http-servers.ts'
import { data, GOAWAY, headers, RawHttp2, reset } from './fixtures/raw-http2.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

/** Node's own defence cuts a connection at 1000 resets in short order (nghttp2's rate limit). */
const RESETS = 400
const CONNECTIONS = 20

interface Attacked {
  readonly governor: Governor
  readonly port: number
  /** How often the handler was called. */
  handled(): number
  attack(frames: (stream: number) => Buffer[]): Promise<void>
  /** A request of somebody else's. */
  honest(): Promise<string>
}

/** A server whose handler reads what it gets, and the attack: streams that are reset as soon as they are open. */
async function attacked(t: Test, options: GovernorOptions): Promise<Attacked> {
  const governor = new Governor({ budget: 1000, logger: silent, ...options })
  let handled = 0
  const server = http2.createServer(
    governor.listener((req, res) => {
      handled++
      let length = 0
      req.on('data', part => {
        length += part.length
      })
      req.on('end', () => res.end(String(length)))
    }),
  )
  server.on('sessionError', () => {})
  governor.attach(server)
  const port = await listening(t, server)
  const session = http2.connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  t.teardown(() => session.destroy())
  return {
    governor,
    port,
    handled: () => handled,
    async attack(frames) {
      const client = await RawHttp2.connect(port)
      for (let n = 0; n < RESETS; n++) client.write(...frames(2 * n + 1))
      // What is asked last is answered last.
      client.write(headers(2 * RESETS + 1, { ':method': 'GET', ':path': '/last' }, true))
      await until(
        () => client.statusOf(2 * RESETS + 1) !== 0 || client.count(GOAWAY, 0) > 0 || client.socket.destroyed,
        'the end of an attack',
      )
      client.leave()
    },
    async honest() {
      const stream = session.request({ ':method': 'POST', 'content-length': 5 })
      stream.end('12345')
      return text(stream)
    },
  }
}

const ATTACKS: Record<string, (stream: number) => Buffer[]> = {
  'the head alone': stream => [
    headers(stream, { 'content-length': '900' }),
    reset(stream, constants.NGHTTP2_CANCEL),
  ],
  'a part of the body': stream => [
    headers(stream, { 'content-length': '900' }),
    data(stream, 10),
    reset(stream, constants.NGHTTP2_CANCEL),
  ],
  'a body without a length': stream => [
    headers(stream),
    data(stream, 10),
    reset(stream, constants.NGHTTP2_CANCEL),
  ],
  'no error': stream => [
    headers(stream, { 'content-length': '900' }),
    reset(stream, constants.NGHTTP2_NO_ERROR),
  ],
  'a question whether it may go on': stream => [
    headers(stream, { 'content-length': '900', expect: '100-continue' }),
    reset(stream, constants.NGHTTP2_NO_ERROR),
  ],
}

for (const [what, frames] of Object.entries(ATTACKS)) {
  t.test(`streams that are reset after ${what} hold nothing, and others are served`, async t => {
    const { governor, attack, honest } = await attacked(t, {})
    for (let n = 0; n < CONNECTIONS / 4; n++) {
      const served = honest()
      await attack(frames)
      t.equal(await served, '5')
    }
    await until(
      () => isIdle(governor),
      () => `an idle governor, it has ${JSON.stringify(governor.stats())}`,
    )
    t.equal(await honest(), '5')
    await until(() => isIdle(governor), 'an idle governor')
  })

  t.test(
    `streams that are reset after ${what} while the budget is full take no place in the queue`,
    async t => {
      const { governor, handled, attack, honest } = await attacked(t, { queue: { limit: 50 } })
      const room = governor.budget.charge(1000)
      const served = honest()
      await until(() => governor.stats().waiting === 1, 'one who waits')
      for (let n = 0; n < CONNECTIONS / 4; n++) {
        await attack(frames)
        await until(
          () => governor.stats().waiting === 1,
          () => `one who waits, it has ${JSON.stringify(governor.stats())}`,
        )
      }
      // Those that ask for nothing pass a queue.
      t.equal(handled(), CONNECTIONS / 4)
      t.equal(governor.budget.reserved, 1000)
      room.release()
      t.equal(await served, '5')
      t.equal(await honest(), '5')
      await until(() => isIdle(governor), 'an idle governor')
      t.equal(governor.stats().refused.ERR_PLIMSOLL_QUEUE_FULL ?? 0, 0)
    },
  )
}

t.test('who goes on for ever is cut, and takes nothing with it', async t => {
  const { governor, attack, honest } = await attacked(t, {})
  const room = governor.budget.charge(1000)
  await attack(stream => {
    // Five times as many in one go.
    const many: Buffer[] = []
    for (let n = 0; n < 5; n++) many.push(...(ATTACKS['the head alone']?.(stream * 10 + 2 * n + 1) ?? []))
    return many
  })
  await until(() => governor.stats().waiting === 0, 'nobody to wait')
  room.release()
  t.equal(await honest(), '5')
  await until(() => isIdle(governor), 'an idle governor')
})

t.test('a client of Node\u2019s may open and cancel as it likes, too', async t => {
  const { governor, port, honest } = await attacked(t, {})
  const room = governor.budget.charge(1000)
  const served = honest()
  await until(() => governor.stats().waiting === 1, 'one who waits')
  const session = http2.connect(`http://127.0.0.1:${port}`)
  t.teardown(() => session.destroy())
  for (let n = 0; n < RESETS; n++) {
    const stream = session.request({ ':method': 'POST', 'content-length': 900 })
    stream.on('error', () => {})
    if (n % 2 === 0) stream.write('12345')
    if (n % 3 === 0) await setImmediate()
    stream.close(constants.NGHTTP2_CANCEL)
  }
  await until(() => governor.stats().waiting === 1, 'one who waits')
  room.release()
  t.equal(await served, '5')
  await until(() => isIdle(governor), 'an idle governor')
})

t.test('thousands of resets leave no memory behind', async t => {
  const { governor, attack } = await attacked(t, {})
  const frames = ATTACKS['a part of the body'] as (stream: number) => Buffer[]
  const rounds = async (count: number): Promise<number> => {
    for (let n = 0; n < count; n++) await attack(frames)
    await until(() => isIdle(governor), 'an idle governor')
    return bytesInUse()
  }
  const before = await rounds(CONNECTIONS / 2)
  const grown = (await rounds(CONNECTIONS)) - before
  // 8000 of them: one that is kept, with its streams, is 5 KiB or more.
  t.ok(grown < 4 * 2 ** 20, `${Math.round(grown / 1024)} KiB`)
})
