import fc from 'fast-check'
import t from 'tap'
import { type InLine, WaitLine } from '../src/wait-line.ts'
import { randomSeed } from './fixtures/random-seed.ts'

interface Person extends InLine {
  readonly name: number
}

const seed = randomSeed(t)

t.test('a line keeps its order, whoever joins and leaves', async t => {
  const moves = fc.array(fc.oneof(fc.constant('join' as const), fc.nat(10_000)), {
    maxLength: 400,
    size: 'max',
  })
  const property = fc.property(moves, fc.nat(60), (moves, crowd) => {
    const line = new WaitLine<Person>()
    const expected: Person[] = []
    let names = 0
    const join = (): void => {
      const person = { name: names++, place: 0 }
      line.add(person)
      expected.push(person)
    }
    for (let n = 0; n < crowd; n++) join()
    for (const move of moves) {
      if (move === 'join') join()
      else if (expected.length > 0) {
        const [leaver] = expected.splice(move % expected.length, 1)
        line.remove(leaver as Person)
      }
      if (line.size !== expected.length || line.first !== expected[0]) return false
      const odd = (person: Person): boolean => person.name % 2 === 1
      if (line.find(odd) !== expected.find(odd)) return false
    }
    // They leave from the front, in their order.
    for (const person of expected) {
      if (line.first !== person) return false
      line.remove(person)
    }
    return line.size === 0 && line.first === undefined && line.find(() => true) === undefined
  })
  const { failed, counterexample } = fc.check(property, { seed, numRuns: 300 })
  t.notOk(failed, '300 runs', { seed, counterexample })
})

t.test('a long line keeps its order, too, and starts small again', async t => {
  const line = new WaitLine<Person>()
  for (let turn = 0; turn < 2; turn++) {
    const people = Array.from({ length: 5000 }, (_, name) => ({ name, place: 0 }))
    for (const person of people) line.add(person)
    // Two of three leave from amid it, so that there is little but gaps when more join.
    const staying = people.filter(({ name }) => name % 3 === 0)
    for (const person of people) if (person.name % 3 !== 0) line.remove(person)
    for (let name = 5000; name < 10_000; name++) {
      const person = { name, place: 0 }
      line.add(person)
      staying.push(person)
    }
    t.equal(line.size, staying.length)
    t.ok(
      staying.every(person => {
        const { first } = line
        line.remove(person)
        return first === person
      }),
    )
    t.equal(line.size, 0)
  }
})
