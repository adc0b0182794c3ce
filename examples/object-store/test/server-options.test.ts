import t from 'tap'
import { resolveServerOptions } from '../src/server-options.ts'

t.test('without any options there are defaults, and they are safe', async t => {
  t.same(resolveServerOptions([], {}), {
    port: 3000,
    host: '127.0.0.1',
    storage: 'disk',
    dir: 'objects',
    governed: true,
    budget: 'auto',
    bodyLimit: 64 * 1024 * 1024,
  })
})

t.test('the environment sets an option and the command line overrides it', async t => {
  const env = { OBJECT_STORE_PORT: '1', OBJECT_STORE_STORAGE: 'memory', OBJECT_STORE_BUDGET: '64MiB' }
  t.match(resolveServerOptions([], env), { port: 1, storage: 'memory', budget: '64MiB' })
  t.match(resolveServerOptions(['--port', '2', '--budget', '1GiB'], env), { port: 2, budget: '1GiB' })
  t.match(resolveServerOptions(['--ungoverned'], {}), { governed: false })
  t.match(resolveServerOptions([], { OBJECT_STORE_UNGOVERNED: '1' }), { governed: false })
  t.match(resolveServerOptions([], { OBJECT_STORE_UNGOVERNED: '0' }), { governed: true })
})

t.test('a value that makes no sense is refused by name', async t => {
  const bad: [argv: string[], message: RegExp][] = [
    [['--port', '-1'], /--port/],
    [['--port='], /--port/],
    [['--port', '65536'], /--port/],
    [['--port', '80.5'], /--port/],
    [['--body-limit', '0'], /--body-limit/],
    [['--body-limit', '64MiB'], /--body-limit/],
    [['--storage', 'tape'], /--storage/],
    [['--ungoverned', '--budget', '64MiB'], /--ungoverned and --budget/],
    [['--bugdet', '64MiB'], /--bugdet/],
  ]
  for (const [argv, message] of bad) {
    t.throws(() => resolveServerOptions(argv, {}), { message }, argv.join(' '))
  }
})
