import t from 'tap'
import { BUFFERED_FREE, bufferedAt } from '../src/buffered-cost.ts'
import { RouteMeasures } from '../src/route-measures.ts'

const KIB = 1024
const MIB = 2 ** 20
const GUESS = bufferedAt(MIB)

function rowThatGuesses(guess = GUESS): RouteMeasures {
  return new RouteMeasures('GET /a', guess)
}

/** How many responses that buffer so much it takes until they cost nothing. */
function responsesUntilFree(row: RouteMeasures, bufferedBytes = 0): number {
  for (let n = 1; n <= 1000; n++) {
    row.over(bufferedBytes)
    if (row.responseBytes === 0) return n
  }
  return Number.POSITIVE_INFINITY
}

t.test('a response costs what was guessed, less a fifth with each that buffers little', async t => {
  const row = rowThatGuesses()
  t.equal(row.responseBytes, MIB)
  for (let n = 1; n <= 10; n++) {
    row.over(BUFFERED_FREE)
    const buffered = GUESS * 0.8 ** n
    t.ok(Math.abs(row.responseBytes - (64 * KIB + 2 * buffered)) <= 4, `after ${n}`)
  }
})

t.test('a few dozen small responses are enough to know that they cost nothing', async t => {
  t.equal(responsesUntilFree(rowThatGuesses()), 16)
  t.equal(responsesUntilFree(rowThatGuesses(bufferedAt(256 * MIB))), 41, 'of a guess that is 256 times that')
  t.equal(responsesUntilFree(rowThatGuesses(), BUFFERED_FREE), 16, 'as much as a socket takes is little')
})

t.test('those who wait are to be priced anew where the guess has become much less', async t => {
  const row = rowThatGuesses()
  const times: number[] = []
  for (let n = 1; n <= 100; n++) {
    row.over(0)
    if (row.costsLess()) times.push(n)
    t.notOk(row.costsLess(), 'once')
  }
  t.same(times.slice(0, 3), [2, 4, 6])
  t.ok((times.at(-1) as number) <= responsesUntilFree(rowThatGuesses()), 'and not once it is nothing')
})

t.test('a guess is one until a response has buffered much, or many little', async t => {
  const large = rowThatGuesses()
  t.ok(large.guesses)
  large.over(100 * KIB)
  t.notOk(large.guesses)
  const small = rowThatGuesses()
  small.over(0)
  t.ok(small.guesses)
  responsesUntilFree(small)
  t.notOk(small.guesses)
})

t.test('a response that buffers much replaces the guess by what it buffered', async t => {
  const row = rowThatGuesses()
  row.over(100 * KIB)
  t.equal(row.responseBytes, 264 * KIB, 'where that is less')
  row.over(10 * MIB)
  t.equal(row.responseBytes, 64 * KIB + 20 * MIB, 'and where it is more')
})

t.test('what was learned falls by a fiftieth with each response that buffers less', async t => {
  const row = rowThatGuesses()
  row.over(MIB)
  row.over(0)
  t.equal(row.responseBytes, 64 * KIB + 2 * Math.ceil(0.98 * MIB))
  row.over(MIB / 2)
  t.equal(row.responseBytes, 64 * KIB + 2 * Math.ceil(0.98 * 0.98 * MIB), 'half as much is less, too')
  t.equal(responsesUntilFree(row), 204, 'so that one in a hundred is remembered')
})

t.test('what was learned does not fall by errors, and rises by them', async t => {
  const row = rowThatGuesses()
  row.over(MIB)
  for (let n = 0; n < 1000; n++) row.over(0, true)
  t.equal(row.responseBytes, 64 * KIB + 2 * MIB)
  row.over(2 * MIB, true)
  t.equal(row.responseBytes, 64 * KIB + 4 * MIB)
  const guessing = rowThatGuesses()
  const { responseBytes: guessed } = guessing
  for (let n = 0; n < 1000; n++) guessing.over(0, true)
  const left = guessing.responseBytes
  t.ok(left < guessed / 3 && left > guessed / 6, 'a route of errors costs some of the guess')
  guessing.over(0)
  t.ok(guessing.responseBytes < left, 'until somebody is served')
})

t.test('what a response buffers while it is under way counts at once, and does not fall by that', async t => {
  const row = rowThatGuesses(0)
  t.equal(row.responseBytes, 0)
  row.buffers(200 * KIB)
  row.buffers(100 * KIB)
  t.equal(row.responseBytes, 464 * KIB)
  t.equal(row.requests, 0)
})

t.test('the requests that are measured are told as they were', async t => {
  const row = rowThatGuesses()
  const nothing = { declaredBytes: undefined, readBytes: 0, reservedBytes: 0, heldMs: 0, read: undefined }
  row.measure({ declaredBytes: 10, readBytes: 9, reservedBytes: 12, heldMs: 1.25, read: 'json' })
  row.measure(nothing)
  t.equal(row.declaredBytes.count, 1, 'of those that declared any')
  t.equal(row.declaredBytes.spread().max, 10)
  t.equal(row.readBytes.spread().max, 9)
  t.equal(row.reservedBytes.spread().max, 12)
  t.equal(row.heldMs.spread().max, 1.25)
  t.equal(row.read, 'json', 'one without a body does not change how bodies are read')
  row.measure({ ...nothing, read: 'stream' })
  t.equal(row.read, 'stream')
})

t.test('the buffers of all responses are told, from what a socket takes up', async t => {
  const row = rowThatGuesses()
  row.over(BUFFERED_FREE)
  t.match(row, { requests: 1, bufferedBytes: { count: 1 } })
  t.equal(row.bufferedBytes.spread().max, 0)
  row.over(BUFFERED_FREE + 1)
  t.equal(row.bufferedBytes.spread().max, BUFFERED_FREE + 1)
})

t.test('the first requests of a route are measured, and then one of sixteen', async t => {
  const row = rowThatGuesses()
  const sampled = (): number => {
    let samples = 0
    for (let n = 0; n < 256; n++, row.over(0)) if (row.samples) samples++
    return samples
  }
  t.same([sampled(), sampled(), sampled()], [256, 16, 16])
})

t.test('refusals are counted by their code', async t => {
  const row = rowThatGuesses()
  t.same(row.refused, {})
  row.refuse('ERR_PLIMSOLL_QUEUE_FULL')
  row.refuse('ERR_PLIMSOLL_QUEUE_FULL')
  row.refuse('ERR_PLIMSOLL_CLOSED')
  t.same(row.refused, { ERR_PLIMSOLL_QUEUE_FULL: 2, ERR_PLIMSOLL_CLOSED: 1 })
})
