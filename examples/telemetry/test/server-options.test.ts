import t from 'tap'
import { resolveServerOptions } from '../src/server-options.ts'

t.test('options have defaults', async t => {
  t.same(resolveServerOptions([]), {
    port: 3000,
    host: '127.0.0.1',
    budget: 'auto',
    collector: 'http://127.0.0.1:4318',
  })
  t.equal(resolveServerOptions(['--collector', 'http://otel:4318/']).collector, 'http://otel:4318')
})

t.test('what is wrong is named', async t => {
  for (const [option, value] of Object.entries({ port: 'a', collector: 'otel' }))
    t.throws(() => resolveServerOptions([`--${option}`, value]), { message: new RegExp(`--${option}`) })
  t.throws(() => resolveServerOptions(['--port', '65536']), { message: /--port/ })
})
