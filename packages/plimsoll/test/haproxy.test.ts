import { renderConfig } from '@plimsoll/haproxy'
import t from 'tap'
import { CommandError } from '../src/command-error.ts'
import { haproxyCommand } from '../src/haproxy-command.ts'
import { plimsoll, printed } from './fixtures/plimsoll.ts'

t.setTimeout(120_000)

const given = ['haproxy', '--budget', '64MiB', '--request-size', '4MiB']

t.test('it prints what the library renders', async t => {
  const { code, stdout, stderr } = await plimsoll([...given, '--servers', 'a:3000:9000', '[::1]:3000'])
  t.strictSame([code, stderr], [0, ''])
  const servers = [
    { host: 'a', port: 3000, agentPort: 9000 },
    { host: '::1', port: 3000 },
  ]
  t.equal(stdout, renderConfig({ budget: '64MiB', requestSize: '4MiB', servers }))
})

t.test('each option has its place', async t => {
  const asked =
    '--largest-request 16MiB --workers 2 --proxies 2 --queue-timeout-ms 500 --form backends'.split(' ')
  const more = '--bind :9 --health-path /live --large-paths /a /b --clients 10 --servers a:1'.split(' ')
  const options = {
    budget: '64MiB',
    requestSize: '4MiB',
    largestRequest: '16MiB',
    workers: 2,
    proxies: 2,
    queueTimeoutMs: 500,
    form: 'backends',
    bind: ':9',
    healthPath: '/live',
    largePaths: ['/a', '/b'],
    clients: 10,
    servers: [{ host: 'a', port: 1 }],
  } as const
  t.equal(await printed(t, ...given, ...asked, ...more), renderConfig(options))
})

t.test('values are for a chart', async t => {
  t.match(JSON.parse(await printed(t, ...given, '--values')), {
    frontproxy: { maxConnPerPod: 16, timeouts: { queue: '30000ms' } },
  })
})

t.test('what the library refuses is said in one line', async t => {
  for (const [args, message] of [
    [[], /servers must be a list of at least one/],
    [['--servers', 'a b:80'], /servers\[0\]\.host must be a host name/],
    [['--servers', 'a:80', '--form', 'half'], /form must be/],
    [['--values', '--bind', ':80'], /the key "bind" of options/],
  ] as const) {
    const error = await printed(t, ...given, ...args).catch((error: unknown) => error)
    t.ok(error instanceof CommandError)
    t.match(String(error), message)
  }
})

t.test('what is no refusal is no mistake of the caller', async t => {
  const broken = new Error('write EIO')
  t.intercept(console, 'log', {
    value: () => {
      throw broken
    },
  })
  await t.rejects(haproxyCommand().parseAsync([...given.slice(1), '--values'], { from: 'user' }), broken)
})
