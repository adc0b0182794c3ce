import t from 'tap'
import { resolveServerOptions } from '../src/server-options.ts'

t.test('what is said stands, and the rest has its default', async t => {
  t.same(resolveServerOptions([]), {
    port: 3000,
    host: '127.0.0.1',
    upstream: 'http://127.0.0.1:4000',
    governed: true,
    budget: 'auto',
  })
  t.match(resolveServerOptions(['--port', '0', '--upstream', 'http://files:80', '--budget', '64MiB']), {
    port: 0,
    upstream: 'http://files:80',
    budget: '64MiB',
  })
  t.match(resolveServerOptions(['--ungoverned']), { governed: false })
})

t.test('a value that makes no sense is refused by name', async t => {
  const bad: [args: string[], message: RegExp][] = [
    [['--port', '65536'], /--port/],
    [['--port='], /--port/],
    [['--upstream', 'files:4000'], /--upstream/],
    [['--upstream', 'https://files'], /--upstream/],
    [['--upstream', 'here'], /--upstream/],
    [['--ungoverned', '--budget', '64MiB'], /--ungoverned and --budget/],
    [['--bugdet', '64MiB'], /--bugdet/],
  ]
  for (const [args, message] of bad) t.throws(() => resolveServerOptions(args), { message }, args.join(' '))
})
