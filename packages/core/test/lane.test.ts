import t from 'tap'
import { laneBeside, NO_LANE, smallFor } from '../src/lane.ts'

const KIB = 1024
const MIB = 2 ** 20

t.test('a lane is a small part of its budget, and there is none beside a small one', async t => {
  t.equal(laneBeside(4 * MIB - 1), 0)
  t.equal(laneBeside(4 * MIB), 256 * KIB)
  t.equal(laneBeside(1024 * MIB), 4 * MIB)
})

t.test('four of the largest small requests fit into a lane', async t => {
  t.equal(smallFor(256 * KIB), 64 * KIB)
  t.equal(smallFor(300 * KIB), 64 * KIB, 'in powers of two')
  t.equal(smallFor(0), NO_LANE)
})
