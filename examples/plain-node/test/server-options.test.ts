import t from 'tap'
import { resolveServerOptions } from '../src/server-options.ts'

t.test('without options it serves HTTP, and the budget is of the container', async t => {
  t.same(resolveServerOptions([]), {
    protocol: 'http',
    port: 3000,
    host: '127.0.0.1',
    dir: 'notebook',
    budget: 'auto',
    maxBody: '16MiB',
    cert: undefined,
    key: undefined,
  })
})

t.test('a wrong option is named', async t => {
  for (const [args, message] of [
    [['--protocol', 'http3'], /--protocol .* http3/],
    [['--port', '65536'], /--port .* 65536/],
    [['--port', 'any'], /--port .* any/],
    [['--cert', 'a.pem'], /--cert and --key/],
    [['--bugdet', '1MiB'], /--bugdet/],
  ] as const) {
    t.throws(() => resolveServerOptions(args), { message }, args.join(' '))
  }
})
