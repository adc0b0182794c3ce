import fc from 'fast-check'
import t from 'tap'
import type { MemoryReading } from '../src/memory-use.ts'
import { FLOOR, nextCeiling, OPEN, OPENS_AT, SHUTS_AT, type ValveState } from '../src/valve-ceiling.ts'
import { holds } from './fixtures/holds.ts'
import { randomSeed } from './fixtures/random-seed.ts'

const seed = randomSeed(t)
const RUNS = 1000
const LIMIT = 512 * 2 ** 20

const capacity = fc.integer({ min: 1, max: 2 ** 34 })
const used = fc.nat(LIMIT)
const stalled = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true }))
/** A part of the capacity, or a debt. */
const part = fc.double({ min: 0, max: 1.5, noNaN: true })
const look = fc.record({ used, stalled, part })
type Look = typeof look extends fc.Arbitrary<infer T> ? T : never
const history = fc.array(look, { maxLength: 100 })

function reading({ used, stalled }: Pick<Look, 'used' | 'stalled'>): MemoryReading {
  return { usedBytes: used, limitBytes: LIMIT, stalled }
}

function next(state: ValveState, look: Look, capacity: number): ValveState {
  return nextCeiling(state, reading(look), Math.floor(look.part * capacity), capacity)
}

/** A state that a valve may be in. */
function after(looks: readonly Look[], capacity: number): ValveState {
  return looks.reduce((state, look) => next(state, look, capacity), OPEN)
}

/** The ceilings of as many looks that all see the same. */
function constant(from: ValveState, look: Look, capacity: number, looks = 200): number[] {
  const ceilings: number[] = []
  let state = from
  for (let n = 0; n < looks; n++) {
    state = next(state, look, capacity)
    ceilings.push(Math.min(capacity, state.ceiling))
  }
  return ceilings
}

t.test('it leaves newcomers a part of the capacity, and never gives more than that', async t => {
  const property = fc.asyncProperty(history, capacity, async (looks, capacity) => {
    const { ceiling } = after(looks, capacity)
    return ceiling === OPEN.ceiling || (ceiling >= capacity * FLOOR && ceiling <= capacity)
  })
  await holds(t, property, seed, RUNS)
})

t.test('the more is in use, the less it leaves', async t => {
  const property = fc.asyncProperty(history, look, used, capacity, async (looks, look, other, capacity) => {
    const state = after(looks, capacity)
    const [less, more] = [Math.min(look.used, other), Math.max(look.used, other)]
    return (
      next(state, { ...look, used: less }, capacity).ceiling >=
      next(state, { ...look, used: more }, capacity).ceiling
    )
  })
  await holds(t, property, seed, RUNS)
})

t.test('and so the more somebody waits for memory', async t => {
  const property = fc.asyncProperty(
    history,
    look,
    stalled,
    capacity,
    async (looks, look, other, capacity) => {
      const state = after(looks, capacity)
      const [less, more] = [Math.min(look.stalled, other), Math.max(look.stalled, other)]
      return (
        next(state, { ...look, stalled: less }, capacity).ceiling >=
        next(state, { ...look, stalled: more }, capacity).ceiling
      )
    },
  )
  await holds(t, property, seed, RUNS)
})

t.test('it opens within one look once memory has fallen, whatever was before', async t => {
  const property = fc.asyncProperty(history, part, capacity, async (looks, part, capacity) => {
    const low = { used: Math.floor((OPENS_AT - 0.1) * LIMIT) - 1, stalled: 1, part }
    return next(after(looks, capacity), low, capacity) === OPEN
  })
  await holds(t, property, seed, RUNS)
})

t.test('it never latches: where next to nothing is reserved, the whole capacity opens', async t => {
  const property = fc.asyncProperty(history, used, capacity, async (looks, used, capacity) => {
    const idle = { used, stalled: 1, part: 0 }
    return constant(after(looks, capacity), idle, capacity).at(-1) === capacity
  })
  await holds(t, property, seed, RUNS)
})

t.test('while what it sees stays the same it moves at once or upwards, never to and fro', async t => {
  const property = fc.asyncProperty(history, look, capacity, async (looks, look, capacity) => {
    const ceilings = constant(after(looks, capacity), look, capacity)
    const falls = ceilings.filter((ceiling, at) => at > 0 && ceiling < Number(ceilings[at - 1]))
    return falls.length === 0 && new Set(ceilings).size <= 4
  })
  await holds(t, property, seed, RUNS)
})

t.test('between its two marks it stays as it was', async t => {
  const between = { used: ((OPENS_AT + SHUTS_AT) / 2) * LIMIT, stalled: 0, part: 1 }
  t.equal(next(OPEN, between, 800), OPEN)
  const shut = next(OPEN, { ...between, used: SHUTS_AT * LIMIT }, 800)
  t.same(shut, { ceiling: 100, calm: 0 })
  t.same(next(shut, between, 800), shut)
  t.equal(next(shut, { ...between, used: OPENS_AT * LIMIT - 1 }, 800), OPEN)
})

t.test('it shuts earlier while somebody waits for memory', async t => {
  const earlier = { used: 0.66 * LIMIT, stalled: 0.1, part: 1 }
  t.equal(next(OPEN, { ...earlier, stalled: 0.09 }, 800), OPEN)
  t.equal(next(OPEN, earlier, 800).ceiling, 100)
})

t.test('what does not help is given up by halves, a second each', async t => {
  const idle = { used: 0.9 * LIMIT, stalled: 0, part: 0 }
  const ceilings = constant(OPEN, idle, 800)
  t.same(
    [0, 18, 19, 38, 39, 58, 59, 199].map(at => ceilings[at]),
    [100, 100, 200, 200, 400, 400, 800, 800],
  )
  const given = after(Array(59).fill(idle), 800)
  t.equal(next(given, { ...idle, part: 0.2 }, 800).ceiling, 100, 'until somebody has got in by that')
})

t.test('a budget of nothing has a ceiling of nothing', async t => {
  t.equal(nextCeiling(OPEN, reading({ used: LIMIT, stalled: 0 }), 0, 0).ceiling, 0)
})
