import t from 'tap'
import { BUFFERED_FREE, bufferedAt, costOfBuffered } from '../src/buffered-cost.ts'

const KIB = 1024

t.test('a response that buffers no more than its socket does costs nothing', async t => {
  for (const bytes of [0, 1, BUFFERED_FREE]) t.equal(costOfBuffered(bytes), 0, `${bytes} bytes`)
})

t.test('above that it costs twice what it buffers, and something beside', async t => {
  t.equal(costOfBuffered(BUFFERED_FREE + 1), 96 * KIB + 2)
  t.equal(costOfBuffered(1000 * KIB), 2064 * KIB)
  t.equal(costOfBuffered(20_000.4), 64 * KIB + 2 * 20_001, 'in whole bytes, what was learned falls by parts')
})

t.test('what it buffers that costs so much is told from the cost, to the byte', async t => {
  for (const cost of [98 * KIB, 98 * KIB + 1, 2 ** 20, 2 ** 40])
    t.equal(costOfBuffered(bufferedAt(cost)), cost - (cost % 2))
  for (const cost of [0, 1, 64 * KIB])
    t.equal(bufferedAt(cost), 0, 'and is nothing where the cost is next to none')
})
