import fc from 'fast-check'
import t from 'tap'
import { Account } from '../src/account.ts'
import { type Waiter, WaitQueue } from '../src/wait-queue.ts'
import { randomSeed } from './fixtures/random-seed.ts'

const seed = randomSeed(t)
const KiB = 1024
const CAPACITY = 64 * KiB

interface Person extends Waiter {
  readonly name: number
  bytes: number
  reprice(): boolean
  /** How many bytes have passed it. */
  passed: number
  /** How many bytes have passed anybody while it waited, which is never less. */
  passedAny: number
}

/** A queue as one would explain it on paper: an array, searched from the front. */
class Model {
  line: Person[] = []
  readonly #passBytes: number

  constructor(passBytes: number) {
    this.#passBytes = passBytes
  }

  head(capacity: number): Person | undefined {
    return this.line.find(({ bytes }) => bytes <= capacity)
  }

  /** The head, or the first of its size that fits and may pass the head. */
  next({ open, free }: Account): Person | undefined {
    const head = this.head(open)
    if (head === undefined || head.bytes <= free) return head
    const firsts = this.line.filter((one, at) => this.line.findIndex(two => size(two) === size(one)) === at)
    return firsts.find(({ bytes }) => bytes <= free && this.#mayPass(head, bytes))
  }

  #mayPass({ passedAny }: Person, bytes: number): boolean {
    return passedAny < this.#passBytes && passedAny + bytes <= this.#passBytes
  }

  remove(person: Person): void {
    this.line = this.line.filter(each => each !== person)
  }
}

/** The power of two, from 1 KiB, that is not less. */
function size({ bytes }: Person): number {
  let most = KiB
  while (most < bytes) most *= 2
  return most
}

const bytes = fc.oneof(
  fc.nat(CAPACITY + 8 * KiB),
  fc.nat(4 * KiB),
  fc.constantFrom(0, 1, KiB, KiB + 1, 2 * KiB, 2 * KiB + 1, CAPACITY / 2, CAPACITY),
)
const move = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('join' as const), bytes }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('release' as const), whom: fc.nat(1000) }) },
  fc.record({ do: fc.constant('leave' as const), whom: fc.nat(1000) }),
  fc.record({ do: fc.constant('reprice' as const), whom: fc.nat(3), bytes }),
  fc.record({ do: fc.constant('resize' as const), bytes }),
  fc.record({ do: fc.constant('tighten' as const), bytes }),
)
type Move = typeof move extends fc.Arbitrary<infer T> ? T : never

/** Drives a queue and its model side by side. */
class Run {
  readonly account = new Account(CAPACITY, {
    freed: () => {},
    shortage: () => 0,
    standsAside: () => false,
  })
  readonly passBytes: number
  readonly queue: WaitQueue<Person>
  readonly model: Model
  readonly held: Person[] = []
  #names = 0

  constructor(passBytes: number) {
    this.passBytes = passBytes
    this.queue = new WaitQueue(passBytes)
    this.model = new Model(passBytes)
  }

  do(move: Move): void {
    const { queue, model, account } = this
    switch (move.do) {
      case 'join': {
        const { bytes } = move
        const person = {
          name: this.#names++,
          bytes,
          place: 0,
          turn: 0,
          passedBefore: 0,
          line: 0,
          passed: 0,
          passedAny: 0,
          reprice: () => false,
        }
        const admitted = queue.admits(bytes, account)
        same(admitted, model.head(account.open) === undefined && account.admits(bytes), 'admitted')
        if (admitted) {
          this.#hold(person)
          break
        }
        queue.add(person)
        model.line.push(person)
        break
      }
      case 'release': {
        const [person] = this.held.splice(move.whom % Math.max(1, this.held.length), 1)
        account.promised -= person?.bytes ?? 0
        break
      }
      case 'leave': {
        const person = model.line[move.whom % Math.max(1, model.line.length)]
        if (person === undefined) break
        queue.remove(person)
        model.remove(person)
        break
      }
      case 'reprice': {
        // Every so manieth needs no more than that.
        for (const [at, person] of model.line.entries()) {
          const reprice = (): boolean => {
            const less = at % 4 === move.whom && move.bytes < person.bytes
            if (less) person.bytes = move.bytes
            return less
          }
          person.reprice = reprice
        }
        const some = model.line.some(({ bytes }, at) => at % 4 === move.whom && move.bytes < bytes)
        same(queue.reprice(), some, 'repriced')
        break
      }
      case 'resize':
        account.capacity = move.bytes
        break
      case 'tighten':
        account.ceiling = move.bytes
    }
    this.grant()
    this.compare()
  }

  grant(): void {
    const { queue, model, account } = this
    for (;;) {
      const expected = model.next(account)
      const person = queue.next(account)
      same(person?.name, expected?.name, 'next')
      if (person === undefined) return
      const at = model.line.indexOf(person)
      const { open } = account
      const passes = person !== model.head(open)
      queue.remove(person)
      model.remove(person)
      if (passes) for (const other of model.line) other.passedAny += person.bytes
      // Who is larger than what is open stands aside, and is not passed.
      for (const other of model.line.slice(0, at)) {
        if (other.bytes > open) continue
        other.passed += person.bytes
        if (other.passed > this.passBytes) throw new Error(`${other.passed} bytes have passed ${other.name}`)
      }
      this.#hold(person)
    }
  }

  compare(): void {
    const { queue, model, account } = this
    const { line } = model
    same(queue.size, line.length, 'size')
    same(queue.head(account.capacity)?.name, model.head(account.capacity)?.name, 'head')
    const odd = (person: Person): boolean => person.name % 2 === 1
    same(queue.oldest(odd)?.name, line.find(odd)?.name, 'oldest')
    for (const most of [0.5, 500, KiB, 4 * KiB, CAPACITY])
      same(queue.smallest(most)?.name, line.find(({ bytes }) => bytes <= most)?.name, `smallest to ${most}`)
  }

  #hold(person: Person): void {
    this.account.promised += person.bytes
    this.held.push(person)
  }
}

function same(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${actual}, not ${expected}`)
}

t.test('a queue does what its model does, and nobody is passed by more than was said', async t => {
  const moves = fc.array(move, { minLength: 1, maxLength: 150, size: 'max' })
  const passes = fc.constantFrom(0, 4 * KiB, CAPACITY, 10 * CAPACITY)
  const property = fc.property(moves, passes, (moves, passBytes) => {
    const run = new Run(passBytes)
    for (const move of moves) run.do(move)
  })
  const { failed, counterexample, errorInstance } = fc.check(property, { seed, numRuns: 500 })
  t.notOk(failed, '500 runs', { seed, counterexample, error: String(errorInstance) })
})
