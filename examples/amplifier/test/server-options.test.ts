import t from 'tap'
import { FAULTS, faultsOf } from '../src/faults.ts'
import { resolveServerOptions } from '../src/server-options.ts'

t.test('without options it has all faults, and no guards', async t => {
  t.same(resolveServerOptions([]), {
    port: 3000,
    host: '127.0.0.1',
    suppliers: 'http://127.0.0.1:4000',
    faults: new Set(FAULTS),
    guarded: false,
    budget: 'auto',
  })
})

t.test('faults are named, or none', async t => {
  t.same([...faultsOf('no-limit,runs-twice')], ['no-limit', 'runs-twice'])
  t.equal(faultsOf('').size, 0)
})

t.test('what is wrong is named', async t => {
  const wrong = [
    ['--port', '65536'],
    ['--port', '-'],
    ['--suppliers', 'north'],
    ['--faults', 'no-limits'],
    ['--budget', '64MiB'],
  ]
  for (const args of wrong) t.throws(() => resolveServerOptions(args), { message: new RegExp(`^${args[0]}`) })
  t.equal(resolveServerOptions(['--budget', '64MiB', '--guarded']).budget, '64MiB')
})
