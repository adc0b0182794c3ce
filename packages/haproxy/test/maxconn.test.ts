import t from 'tap'
import { maxconn } from '../src/maxconn.ts'

const MIB = 2 ** 20

const behind = {
  budget: 64 * MIB,
  requestBytes: 4 * MIB,
  largestBytes: 16 * MIB,
  queueLimit: 100,
  connections: 4096,
  workers: 1,
}

t.test('as many connect as the budget holds on average, for each worker', async t => {
  t.equal(maxconn(behind), 16)
  t.equal(maxconn({ ...behind, workers: 3 }), 48)
})

t.test('at least one connects, though the budget holds none', async t => {
  t.equal(maxconn({ ...behind, budget: MIB }), 1)
})

t.test('no more connect than are held or wait if all of them are large', async t => {
  t.equal(maxconn({ ...behind, requestBytes: 100, queueLimit: 100 }), 104)
  t.equal(maxconn({ ...behind, requestBytes: 100, queueLimit: 0, budget: MIB }), 1)
})

t.test('no more connect than are let in', async t => {
  t.equal(maxconn({ ...behind, requestBytes: 100, queueLimit: 10_000 }), 4096)
})
