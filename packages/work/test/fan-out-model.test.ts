import { randomSeed, turns } from '@plimsoll/contract'
import fc from 'fast-check'
import t from 'tap'
import { fanOut, type Task } from '../src/index.ts'
import { gates } from './fixtures/gate.ts'

/** What a user may do, or a task. */
type Step = { readonly over: number } | { readonly fails: number } | 'abort'

/** All that can be seen of a call. */
interface Seen {
  readonly begun: readonly number[]
  readonly aborted: boolean
  readonly outcome: unknown
}

/** A fan-out as anybody would tell it: lists, and no promise. */
class Model {
  readonly begun: number[] = []
  aborted = false
  outcome: unknown
  readonly #count: number
  readonly #concurrency: number
  readonly #stopOnError: boolean
  readonly #running = new Set<number>()
  readonly #errors: string[] = []

  constructor(count: number, concurrency: number, stopOnError: boolean) {
    this.#count = count
    this.#concurrency = concurrency
    this.#stopOnError = stopOnError
    this.#begin()
  }

  do(step: Step): void {
    if (step === 'abort') this.#end('aborted')
    else if ('over' in step) this.#running.delete(step.over)
    else if (this.#running.delete(step.fails)) {
      if (this.#stopOnError) this.#end(`failed ${step.fails}`)
      else this.#errors.push(`failed ${step.fails}`)
    }
    this.#begin()
  }

  can(step: Step): boolean {
    return step === 'abort' || this.#running.has('over' in step ? step.over : step.fails)
  }

  #begin(): void {
    if (this.outcome !== undefined) return
    while (this.#running.size < this.#concurrency && this.begun.length < this.#count) {
      this.#running.add(this.begun.length)
      this.begun.push(this.begun.length)
    }
    if (this.#running.size > 0) return
    this.outcome = this.#errors.length > 0 ? this.#errors : Array.from({ length: this.#count }, (_, n) => n)
  }

  #end(reason: string): void {
    if (this.outcome !== undefined) return
    this.outcome = reason
    this.aborted = this.#running.size > 0 || this.begun.length > 0
  }
}

const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ over: fc.nat(12) }) },
    { weight: 2, arbitrary: fc.record({ fails: fc.nat(12) }) },
    { weight: 1, arbitrary: fc.constant('abort' as const) },
  ),
  { maxLength: 40 },
)

const call = fc.record({
  count: fc.nat(10),
  concurrency: fc.integer({ min: 1, max: 5 }),
  stopOnError: fc.boolean(),
  asynchronous: fc.boolean(),
  shared: fc.boolean(),
  steps,
})

let calls = 0

t.test('whatever happens to a call, what begins and what comes of it is what a plain model says', async t => {
  const property = fc.asyncProperty(
    call,
    async ({ count, concurrency, stopOnError, asynchronous, shared, steps }) => {
      const model = new Model(count, concurrency, stopOnError)
      const all = gates(count)
      const begun: number[] = []
      const signals: AbortSignal[] = []
      const controller = new AbortController()
      const tasks = all.map(
        ({ promise }, n): Task<number> =>
          async signal => {
            begun.push(n)
            signals.push(signal)
            await promise
            return n
          },
      )
      let outcome: unknown
      fanOut(asynchronous ? oneByOne(tasks) : tasks, {
        concurrency,
        stopOnError,
        signal: controller.signal,
        ...(shared && { shared: { name: `model ${calls++ % 500}`, concurrency: 5 } }),
      }).then(
        values => {
          outcome = values
        },
        error => {
          outcome = error instanceof AggregateError ? error.errors : error
        },
      )
      await turns()
      const compare = (): void => {
        const seen: Seen = { begun, aborted: signals.some(({ aborted }) => aborted), outcome }
        const { begun: expected, aborted, outcome: told } = model
        if (JSON.stringify(seen) !== JSON.stringify({ begun: expected, aborted, outcome: told }))
          throw new Error(`${JSON.stringify(seen)}, not ${JSON.stringify(model)}`)
      }
      compare()
      for (const step of steps) {
        if (!model.can(step)) continue
        if (step === 'abort') controller.abort('aborted')
        else if ('over' in step) all[step.over]?.open()
        else all[step.fails]?.fail(`failed ${step.fails}`)
        model.do(step)
        await turns()
        compare()
      }
      for (const gate of all) gate.open()
      await turns()
    },
  )
  const { failed, counterexample, errorInstance, seed } = await fc.check(property, {
    seed: randomSeed(t),
    numRuns: 300,
  })
  t.notOk(failed, '300 runs', { seed, counterexample, error: String(errorInstance) })
})

async function* oneByOne<T>(all: readonly T[]): AsyncGenerator<T> {
  yield* all
}
