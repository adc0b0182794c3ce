import { inspect } from 'node:util'
import t from 'tap'
import { type AgentOptions, resolveAgentOptions } from '../src/agent-options.ts'

t.test('defaults are for a proxy beside it', async t => {
  const { allowed, ...resolved } = resolveAgentOptions({ port: 0 }, 1600)
  t.same(resolved, {
    port: 0,
    host: '127.0.0.1',
    requestBytes: 100,
    concurrency: Number.POSITIVE_INFINITY,
    proxies: 1,
    connections: 64,
  })
  t.ok(allowed('203.0.113.1'), 'whoever reaches it')
  t.equal(resolveAgentOptions({ port: 0 }, 3).requestBytes, 1)
})

t.test('an allow-list knows addresses and networks, in either family', async t => {
  const { allowed } = resolveAgentOptions({ port: 0, allow: ['10.0.0.0/8', '192.0.2.7', 'fd00::/8'] }, 1)
  for (const address of ['10.255.0.1', '192.0.2.7', '::ffff:10.0.0.1', 'fd12::1'])
    t.ok(allowed(address), address)
  for (const address of ['11.0.0.1', '192.0.2.8', '::ffff:11.0.0.1', 'fe80::1', ''])
    t.notOk(allowed(address), address)
  t.notOk(resolveAgentOptions({ port: 0, allow: [] }, 1).allowed('127.0.0.1'), 'an empty one lets nobody')
})

for (const [options, message] of [
  [{}, /^port must be a whole number from 0 to 65535/],
  [{ port: 65_536 }, /^port/],
  [{ port: '9000' }, /^port/],
  [{ port: 0, host: '' }, /^host must be an address/],
  [{ port: 0, host: 5 }, /^host/],
  [{ port: 0, requestSize: 0 }, /^requestSize must be more than 0/],
  [{ port: 0, concurrency: 0 }, /^concurrency/],
  [{ port: 0, proxies: 0 }, /^proxies/],
  [{ port: 0, connections: 0 }, /^connections/],
  [{ port: 0, allow: '10.0.0.0/8' }, /^allow must be a list/],
  ...['a', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8', 'fe80::1%lo', 5, null].map(
    entry => [{ port: 0, allow: ['10.0.0.1', entry] }, /^allow\[1\] must be an address/] as const,
  ),
  [{ port: 0, alow: [] }, /^the key "alow" of options/],
] as const) {
  t.test(`${inspect(options)} is refused`, async t => {
    t.throws(() => resolveAgentOptions(options as AgentOptions, 1), { code: 'ERR_PLIMSOLL_OPTION', message })
  })
}
