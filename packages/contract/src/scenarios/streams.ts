import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { type Gate, gate } from '../gate.ts'
import type { Scenario } from '../scenario.ts'
import { turns } from '../until.ts'

const COST = 1000
const options = { budget: COST, cost: ({ url }: { url: string }) => (url === '/keep' ? COST : 0) } as const

const PIECE = 1024

/** Pieces that are made when they are asked for. */
class Pieces {
  readonly #asked: Gate[]

  constructor(count: number) {
    this.#asked = Array.from({ length: count }, gate)
  }

  /** Has the nth be made, from 0. */
  ask(nth: number): void {
    this.#asked[nth]?.open()
  }

  stream(): Readable {
    return Readable.from(this.#make(), { objectMode: false })
  }

  async *#make(): AsyncGenerator<Buffer> {
    for (const [n, asked] of this.#asked.entries()) {
      await asked.promise
      yield Buffer.alloc(PIECE, String(n))
    }
  }
}

/** Answers that take their time. */
export const streams: readonly Scenario[] = [
  {
    name: 'a streamed download holds its bytes to its end, and streams',
    options,
    async run(trial) {
      const call = trial.open('GET', '/keep')
      const kept = await trial.handled(1)
      const pieces = new Pieces(4)
      kept.reply({ body: pieces.stream() })
      for (let n = 0; n < 4; n++) {
        await turns()
        assert.equal(call.text.length, n * PIECE, 'no piece comes before it is made')
        await trial.holds(COST)
        pieces.ask(n)
        await trial.until(() => call.text.length === (n + 1) * PIECE, `piece ${n}`)
      }
      assert.equal(await call.answer(), 200)
      await trial.until(() => kept.reservation.released, 'the release')
    },
  },
  {
    name: 'a slow download holds its bytes until its client has taken them',
    options,
    async run(trial) {
      const call = trial.open('GET', '/keep', { idle: true })
      const kept = await trial.handled(1)
      kept.reply({ body: Buffer.alloc(2 ** 24, 'a') })
      assert.equal(await call.begun(), 200)
      // One more request has come and gone meanwhile, so the server has done what it could.
      assert.equal((await trial.send('POST', '/length', '12345')).text, '5')
      assert.ok(trial.budget.reserved >= COST)
      assert.equal(kept.reservation.released, false)
      call.read()
      assert.equal(await call.answer(), 200)
      assert.equal(call.text.length, 2 ** 24)
    },
  },
  {
    name: 'a slow download of a stream holds its bytes, and its source is not read ahead of its client',
    options,
    async run(trial) {
      let made = 0
      const source = new Readable({
        read() {
          this.push(made++ < 256 ? Buffer.alloc(64 * 1024, 'a') : null)
        },
      })
      const call = trial.open('GET', '/keep', { idle: true })
      const kept = await trial.handled(1)
      kept.reply({ body: source })
      assert.equal(await call.begun(), 200)
      assert.equal((await trial.send('POST', '/length', '12345')).text, '5')
      assert.ok(trial.budget.reserved >= COST, 'what is buffered counts, too')
      assert.ok(made < 256, `${made} of 256 were made`)
      call.read()
      assert.equal(await call.answer(), 200)
      assert.equal(call.text.length, 2 ** 24)
    },
  },
  {
    name: 'downloads wait for each other: one that is read slowly keeps the next one out',
    options,
    async run(trial) {
      const first = trial.open('GET', '/keep')
      const kept = await trial.handled(1)
      const pieces = new Pieces(2)
      kept.reply({ body: pieces.stream() })
      pieces.ask(0)
      await trial.until(() => first.text.length === PIECE, 'the first piece')
      const second = trial.open('GET', '/keep')
      await trial.queued(1)
      pieces.ask(1)
      assert.equal(await first.answer(), 200)
      ;(await trial.handled(2)).reply()
      assert.equal(await second.answer(), 200)
    },
  },
  ...(['server', 'client'] as const).map(
    (who): Scenario => ({
      name: `server-sent events come one by one, and hold their bytes until the ${who} ends them`,
      options,
      async run(trial) {
        const call = trial.open('GET', '/keep')
        const kept = await trial.handled(1)
        const events = new Readable({ read() {} })
        kept.reply({ headers: { 'content-type': 'text/event-stream' }, body: events })
        let sent = ''
        for (let n = 0; n < 3; n++) {
          events.push(`data: ${n}\n\n`)
          sent += `data: ${n}\n\n`
          await call.receives(sent)
          await trial.holds(COST)
        }
        if (who === 'server') {
          events.push(null)
          assert.equal(await call.answer(), 200)
        } else call.leave()
        await trial.until(() => kept.reservation.released, 'the release')
        assert.equal(kept.reservation.signal.aborted, who === 'client')
      },
    }),
  ),
  {
    name: 'a streamed answer whose source breaks is released with its client',
    options,
    async run(trial) {
      const call = trial.open('GET', '/keep')
      const kept = await trial.handled(1)
      const source = new Readable({ read() {} })
      source.push('begun')
      kept.reply({ body: source })
      await call.receives('begun')
      source.destroy(new Error('on purpose'))
      // Some frameworks cut it, others leave it to its client.
      await turns()
      call.leave()
      await trial.until(() => kept.reservation.released, 'the release')
    },
  },
  {
    name: 'a HEAD of a download is answered without it, and released',
    options,
    async run(trial) {
      const call = trial.open('HEAD', '/keep')
      const kept = await trial.handled(1)
      await trial.holds(COST)
      kept.reply({ headers: { 'x-own': 'yes' }, body: Readable.from(['a', 'b', 'c']) })
      assert.equal(await call.answer(), 200)
      assert.deepEqual([call.text, call.headers['x-own']], ['', 'yes'])
      await trial.until(() => kept.reservation.released, 'the release')
    },
  },
  {
    name: 'a HEAD that is refused is told so in its head',
    options: { ...options, queue: { limit: 0 } },
    async run(trial) {
      const room = trial.occupy()
      const call = await trial.send('HEAD', '/keep')
      assert.deepEqual([call.status, call.text], [503, ''])
      assert.match(call.headers['retry-after'] ?? '', /^\d+$/)
      room.free()
    },
  },
]
