import { ByteBudget, type Reservation } from '@plimsoll/core'
import fc from 'fast-check'
import t from 'tap'
import { FakeClock } from '../../core/test/fixtures/fake-clock.ts'
import { randomSeed } from '../../core/test/fixtures/random-seed.ts'
import { outcomeOf, promisesSettled } from '../../core/test/fixtures/settled.ts'
import { BoundedSpanProcessor } from '../src/bounded-span-processor.ts'
import { estimateSpanBytes } from '../src/span-size.ts'
import { FAILED, type HeldExport, HeldExporter, refusedWith, SENT } from './fixtures/held-exporter.ts'
import { SpanMaker } from './fixtures/tracing.ts'

const seed = randomSeed(t)
const KiB = 1024

const outcome = fc.constantFrom(SENT, SENT, FAILED, refusedWith(413), refusedWith(400), refusedWith(503))
const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('end spans' as const),
      count: fc.integer({ min: 1, max: 12 }),
      bytes: fc.oneof(fc.constant(0), fc.nat(4 * KiB), fc.nat(70 * KiB)),
      failed: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('call back' as const), which: fc.nat(30), outcome }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('tick' as const),
      ms: fc.constantFrom(1, 100, 2500, 5000, 20_000),
    }),
  },
  fc.record({ do: fc.constant('throw from now on' as const), throws: fc.boolean() }),
  fc.record({ do: fc.constant('flush' as const) }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('request' as const), bytes: fc.nat(200 * KiB) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat(30) }) },
)
const last = fc.record({ shutdown: fc.constantFrom('at once', 'fails', 'hangs'), at: fc.nat(60) })
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never
type Last = typeof last extends fc.Arbitrary<infer T> ? T : never

const maker = new SpanMaker()

/** Drives a processor, and holds what it says against what the exporter was given and has said. */
class Run {
  readonly exporter = new HeldExporter()
  readonly budget = new ByteBudget({ capacity: 200 * KiB, queue: { timeoutMs: 2 ** 31 - 1 } })
  readonly processor: BoundedSpanProcessor
  readonly clock: FakeClock
  readonly maxBytes: number
  readonly open = new Set<HeldExport>()
  readonly requests: Reservation[] = []
  made = 0
  sent = 0
  down = false
  /** From here on it may be over for the exporter, whatever hangs. */
  ending = false
  #seen = 0

  constructor(clock: FakeClock, slots: number, shares: boolean) {
    this.clock = clock
    this.maxBytes = 100 * KiB
    this.processor = new BoundedSpanProcessor(this.exporter, {
      maxBytes: this.maxBytes,
      maxQueueSize: 20,
      maxExportBatchSize: 6,
      maxConcurrentExports: slots,
      ...(shares ? { budget: this.budget } : {}),
    })
  }

  async run(command: Command): Promise<void> {
    this.do(command)
    // Before any promise has its turn, and after all have.
    this.check(command)
    await promisesSettled()
    this.check(command)
  }

  do(command: Command): void {
    switch (command.do) {
      case 'end spans':
        for (let n = 0; n < command.count; n++) {
          this.made++
          this.processor.onEnd(maker.make('span', { text: 'x'.repeat(command.bytes) }, command.failed))
          this.check(command)
        }
        break
      case 'call back': {
        const { exports } = this.exporter
        const held = exports[command.which % Math.max(1, exports.length)]
        if (held === undefined) break
        // Many call back more than once, and long after all is over.
        held.end(command.outcome)
        if (this.open.delete(held) && command.outcome === SENT && !this.down) this.sent += held.spans.length
        break
      }
      case 'tick':
        this.clock.tick(command.ms)
        break
      case 'throw from now on':
        this.exporter.throws = command.throws ? new Error('no exporter') : undefined
        break
      case 'flush':
        this.processor.forceFlush().catch(() => {})
        break
      case 'request':
        this.budget.acquire(command.bytes).then(
          reservation => this.requests.push(reservation),
          () => {},
        )
        break
      case 'release':
        this.requests[command.which % Math.max(1, this.requests.length)]?.release()
        break
    }
  }

  check(command: unknown): void {
    for (const held of this.exporter.exports.slice(this.#seen)) this.open.add(held)
    this.#seen = this.exporter.exports.length
    const { made, sent, dropped, kept, bytes } = this.processor.stats()
    const say = (what: string): string =>
      `${what} after ${JSON.stringify(command)}: ${JSON.stringify(this.processor.stats())}`
    if (made !== this.made) throw new Error(say(`made ${this.made}`))
    if (made !== sent + dropped + kept) throw new Error(say('the sum is wrong'))
    if (bytes > this.maxBytes || bytes < 0) throw new Error(say('bytes out of bounds'))
    if (kept > 20 || (kept === 0) !== (bytes === 0)) throw new Error(say('kept'))
    // What is with the exporter is in memory, and charged.
    const spans = [...this.open].flatMap(held => held.spans)
    const least = spans.reduce((sum, span) => sum + estimateSpanBytes(span), 0)
    if (!this.ending && (bytes < least || kept < spans.length))
      throw new Error(say(`${least} are with the exporter`))
    if (this.budget.reserved > this.budget.capacity) throw new Error(say('debt'))
  }

  async settled(): Promise<void> {
    await promisesSettled()
    const { sent } = this.processor.stats()
    if (sent !== this.sent) throw new Error(`${this.sent} were sent, and it says ${sent}`)
  }

  async end(how: Last['shutdown']): Promise<void> {
    if (how === 'fails') this.exporter.onShutdown = () => Promise.reject(new Error('no'))
    if (how === 'hangs') this.exporter.onShutdown = () => new Promise(() => {})
    this.ending = how !== 'hangs'
    const over = outcomeOf(this.processor.shutdown())
    for (let n = 0; n < 3; n++) {
      this.clock.tick(10_000)
      this.check('shutdown')
      await promisesSettled()
      this.check('shutdown')
    }
    if (over() === undefined) throw new Error('the shutdown hangs')
    this.down = how !== 'hangs'
    const { kept, bytes } = this.processor.stats()
    const underWay = [...this.open].reduce((sum, { spans }) => sum + spans.length, 0)
    if (kept !== (this.down ? 0 : underWay)) throw new Error(`${kept} are kept after the end`)
    if (kept === 0 && bytes !== 0) throw new Error(`${bytes} bytes are left`)
  }
}

t.test('made is sent and dropped and kept, and bytes have their bound, whatever happens', async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { maxLength: 60 }),
      last,
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      async (commands, { shutdown, at }, slots, shares) => {
        const undo: (() => void)[] = []
        const run = new Run(
          new FakeClock({ teardown: done => void undo.push(done as () => void) }),
          slots,
          shares,
        )
        try {
          for (const [index, command] of commands.entries()) {
            if (index === at) await run.end(shutdown)
            await run.run(command)
            if (index < at) await run.settled()
          }
        } finally {
          run.budget.resize(Number.MAX_SAFE_INTEGER)
          await promisesSettled()
          for (const done of undo) done()
        }
      },
    ),
    { seed, numRuns: 400 },
  )
  t.pass('in 400 histories')
})
