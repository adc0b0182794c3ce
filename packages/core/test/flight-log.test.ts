import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { encodeSlot, type FlightSample, readFlight, SLOT_BYTES, SLOTS } from '../src/flight-log.ts'
import { holds } from './fixtures/holds.ts'
import { randomSeed } from './fixtures/random-seed.ts'

const seed = randomSeed(t)

function sampleOf(figure: (index: number) => number): FlightSample {
  const names = [
    ...['at', 'capacity', 'ceiling', 'reserved', 'lent', 'waiting', 'active', 'admitted', 'released'],
    ...['refused', 'residentBytes', 'heapUsedBytes', 'externalBytes', 'usedBytes', 'limitBytes'],
  ]
  return Object.fromEntries(names.map((name, index) => [name, figure(index)])) as unknown as FlightSample
}

const numbered = (at: number): FlightSample => sampleOf(index => at + index)

/** A file with these slots, in this order. */
function fileOf(t: { testdir: (files: Record<string, Buffer>) => string }, slots: Buffer[]): string {
  return join(t.testdir({ flight: Buffer.concat(slots) }), 'flight')
}

t.test('a sample fits in its slot, however large its figures are', async t => {
  const largest = sampleOf(() => Number.MAX_SAFE_INTEGER)
  const slot = encodeSlot(largest, Number.MAX_SAFE_INTEGER)
  t.equal(slot.length, SLOT_BYTES)
  t.same(readFlight(fileOf(t, [slot])), [largest])
  t.equal(4096 % SLOT_BYTES, 0, 'and never lies in two pages')
})

t.test('samples are read oldest first, wherever in the ring they stand', async t => {
  const slots = Array.from({ length: SLOTS }, (_, at) => encodeSlot(numbered(at), at))
  slots[0] = encodeSlot(numbered(100), SLOTS)
  slots[1] = encodeSlot(numbered(101), SLOTS + 1)
  const read = readFlight(fileOf(t, slots)).map(({ at }) => at)
  t.same(read, [...Array.from({ length: SLOTS - 2 }, (_, at) => at + 2), 100, 101])
})

t.test('they go by their number, since a clock may be set back', async t => {
  const slots = [encodeSlot(numbered(5000), 1), encodeSlot(numbered(10), 2)]
  t.same(
    readFlight(fileOf(t, slots)).map(({ at }) => at),
    [5000, 10],
  )
})

t.test('what was never written, or is some other file, holds no samples', async t => {
  t.same(readFlight(fileOf(t, [Buffer.alloc(SLOTS * SLOT_BYTES)])), [])
  t.same(readFlight(fileOf(t, [])), [])
  t.same(readFlight(fileOf(t, [Buffer.from('{"at":1}\n'.repeat(1000))])), [])
  t.throws(() => readFlight(join(t.testdirName, 'none')), { code: 'ENOENT' })
})

t.test('a file that was cut short has the samples before', async t => {
  const slots = [encodeSlot(numbered(1), 0), encodeSlot(numbered(2), 1).subarray(0, SLOT_BYTES - 1)]
  t.same(readFlight(fileOf(t, slots)), [numbered(1)])
})

t.test('a torn slot is skipped: part of a new sample over an old one', async t => {
  const property = fc.asyncProperty(
    fc.nat(2 ** 40),
    fc.nat(2 ** 40),
    fc.integer({ min: 1, max: SLOT_BYTES - 1 }),
    async (before, after, torn) => {
      const [old, young] = [encodeSlot(numbered(before), 7), encodeSlot(numbered(after), 7 + SLOTS)]
      const slot = Buffer.concat([young.subarray(0, torn), old.subarray(torn)])
      const read = readFlight(fileOf(t, [encodeSlot(numbered(3), 66), slot]))
      // Where both agree from there on, nothing is torn.
      if (slot.equals(young)) return read.length === 2
      if (slot.equals(old)) return read.length === 2
      return read.length === 1 && read[0]?.at === 3
    },
  )
  await holds(t, property, seed, 300)
})
