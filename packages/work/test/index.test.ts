import t from 'tap'
import * as work from '../src/index.ts'

t.test('these are the names that other people’s code depends on', async t => {
  t.same(Object.keys(work).sort(), [
    'amplification',
    'amplificationTable',
    'boundedFetch',
    'expressReadBody',
    'fanOut',
    'fastifyReadBody',
    'koaReadBody',
    'readBody',
    'readBodyPolicy',
    'readBounded',
  ])
})

t.test('the package is what its name resolves to', async t => {
  t.equal(await import('@plimsoll/work'), work)
})
