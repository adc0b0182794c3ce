import t from 'tap'
import { collectGarbage } from '../src/collect-garbage.ts'
import { until } from './fixtures/until.ts'

const MIB = 2 ** 20

t.test('what floats is freed, though V8 would let it float', async t => {
  const before = process.memoryUsage().arrayBuffers
  // Less than V8 takes for a reason of its own.
  for (let n = 0; n < 16; n++) Buffer.alloc(MIB)
  t.ok(process.memoryUsage().arrayBuffers > before + 8 * MIB)
  collectGarbage()
  // By a thread beside.
  await until(() => process.memoryUsage().arrayBuffers < before + MIB, 'all of it is freed')
})

t.test('nobody else gets the means', async t => {
  collectGarbage()
  const { runInNewContext } = await import('node:vm')
  t.equal(runInNewContext('typeof gc'), 'undefined')
})
