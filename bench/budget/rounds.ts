import { Random } from '../soak/random.ts'
import type { Contender, Semaphore } from './contender.ts'
import type { Figure } from './questions.ts'

const BODY = 65_536
const MOST = 64 * 2 ** 20
const KiB = 2 ** 10
const LARGEST = 16 * 2 ** 20

/** Nanoseconds of one operation of each kind, of one round. */
export type Round = Partial<Record<Figure, number>>

/** Takes and gives back where there is always room, n times. */
export async function free({ make, synchronous }: Contender, n: number): Promise<Round> {
  const semaphore = make(1_000 * BODY, BODY, 1)
  const pair = synchronous ? timed(() => pairs(semaphore, n)) / n : undefined
  const started = performance.now()
  for (let i = 0; i < n; i++) await semaphore.turn(BODY)
  const awaited = nanoseconds(started) / n
  return pair === undefined ? { awaited } : { pair, awaited }
}

function pairs(semaphore: Semaphore, n: number): void {
  for (let i = 0; i < n; i++) semaphore.pair?.(BODY)
}

/** A queue that drains itself, each waiter giving back what the next one waits for: room for one, so each release grants one. */
export async function waiting(contender: Contender, waiters: number): Promise<Round> {
  const queues = contender.byTimer ? 1 : Math.ceil(FEWEST_GRANTS / waiters)
  const semaphores = Array.from({ length: queues }, () => contender.make(BODY, BODY, waiters))
  for (const semaphore of semaphores) await semaphore.fill()
  const last: Promise<unknown>[] = []
  const join = timed(() => {
    for (const semaphore of semaphores) {
      for (let i = 1; i < waiters; i++) void semaphore.turn(BODY)
      last.push(semaphore.turn(BODY))
    }
  })
  const started = performance.now()
  for (const semaphore of semaphores) semaphore.open()
  await Promise.all(last)
  const grant = nanoseconds(started)
  return { join: join / (waiters * queues), grant: grant / (waiters * queues) }
}

/** Queues that are shorter stand side by side, so that there is enough to time; but not where a timer would grant to all of them at once. */
const FEWEST_GRANTS = 100

/** The same where sizes differ, and some fit at once. */
export async function mixed({ make }: Contender, waiters: number): Promise<Round> {
  const random = new Random(waiters)
  const bytes = Array.from({ length: waiters }, () => KiB * random.magnitude(1, LARGEST / KiB))
  const semaphore = make(MOST, KiB, waiters + 1)
  await semaphore.fill()
  for (const size of bytes) void semaphore.turn(size)
  // Who wants all there is has it when all of those are done, whoever has passed whom.
  const all = semaphore.turn(MOST)
  const started = performance.now()
  semaphore.open()
  await all
  return { mixed: nanoseconds(started) / waiters }
}

/** All of a queue leave, in no order. */
export async function cancel({ make }: Contender, waiters: number): Promise<Round> {
  const semaphore = make(BODY, BODY, waiters)
  await semaphore.fill()
  const gone = new Error('gone')
  const all: Promise<unknown>[] = []
  const controllers = Array.from({ length: waiters }, () => new AbortController())
  for (const { signal } of controllers) all.push(semaphore.turn(BODY, signal).catch(left))
  shuffle(controllers)
  const started = performance.now()
  // One reason for all: to make one is a stack trace, and dearer than all else.
  for (const controller of controllers) controller.abort(gone)
  await Promise.all(all)
  const cancel = nanoseconds(started) / waiters
  semaphore.open()
  return { cancel }
}

function left(): void {}

function shuffle(values: unknown[]): void {
  const random = new Random(values.length)
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(random.next() * (i + 1))
    ;[values[i], values[j]] = [values[j], values[i]]
  }
}

function timed(work: () => void): number {
  const started = performance.now()
  work()
  return nanoseconds(started)
}

function nanoseconds(started: number): number {
  return (performance.now() - started) * 1e6
}
