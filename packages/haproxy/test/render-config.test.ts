import { inspect } from 'node:util'
import t from 'tap'
import { type ConfigOptions, renderConfig } from '../src/index.ts'
import { complaints, haveHaproxy } from './fixtures/haproxy.ts'

// apt-get may have to fetch it.
t.setTimeout(300_000)

const given: ConfigOptions = {
  budget: '64MiB',
  requestSize: '4MiB',
  servers: [
    { host: '127.0.0.1', port: 3001, agentPort: 9001 },
    { host: '::1', port: 3002 },
  ],
}

/** All that an option's type forbids. */
function wrong(options: object): ConfigOptions {
  return { ...given, ...options } as ConfigOptions
}

/** What would be more than one word, more than one line, or something else than a word, to HAProxy's parser. */
const HOSTILE = [
  'a b',
  'a\nglobal',
  'a\r\n    server evil 10.0.0.1:80',
  'a\tb',
  'a"b',
  "a'b",
  'a#b',
  'a\\nb',
  '$HOME',
  'a%[env(HOME)]',
  'a;b',
  'a/b',
  'a:80',
  'a\u0000b',
  'ä',
  '',
  ' ',
]

t.test('it is valid, whatever is asked for', async t => {
  if (!(await haveHaproxy(t))) return
  for (const options of [
    {},
    { form: 'whole', bind: '[::]:8080', clients: 1, statsSocket: '/tmp/plimsoll-stats' },
    { budget: 1, requestSize: '1GiB', queueLimit: 0, queueTimeoutMs: 1, serverTimeoutMs: 2 ** 31 - 1 },
    { largePaths: ['/downloads/', '/a%20b?c=d&e'], healthPath: '/health?deep=1', bind: '*:9' },
    { servers: [{ host: 'localhost', port: 1 }], smallRequest: 0 },
    {
      servers: Array.from({ length: 500 }, (_, i) => ({
        host: `10.0.0.${i % 250}`,
        port: i + 1,
        agentPort: 9,
      })),
    },
  ]) {
    t.equal(complaints(renderConfig(wrong(options))), '', inspect(options))
  }
})

t.test('names are looked up again, and one that is not known yet is no error', async t => {
  if (!(await haveHaproxy(t))) return
  const config = renderConfig(wrong({ servers: [{ host: 'store-0.store.invalid', port: 80 }] }))
  t.match(
    complaints(config),
    /^(?:.*could not resolve address 'store-0.store.invalid', disabling server.\n?){2}$/,
  )
  t.match(config, /server pod1 store-0\.store\.invalid:80 resolvers plimsoll init-addr last,libc,none\n/)
  t.notMatch(
    renderConfig(wrong({ servers: [{ host: 'localhost', port: 80 }] })),
    /resolvers/,
    'no DNS knows it',
  )
})

t.test('backends stand beside what is there', async t => {
  if (!(await haveHaproxy(t))) return
  const config = renderConfig(wrong({ form: 'backends' }))
  t.notMatch(config, /^(global|frontend)/m)
  const theirs =
    'global\n    maxconn 10\n    log stdout format raw local0\n\ndefaults\n    timeout client 1s\n    timeout connect 1s\n    timeout server 1s\n\n'
  const rules = [...config.matchAll(/^# +((?:acl|use_backend|default_backend) .*)$/gm)].map(
    ([, rule]) => rule,
  )
  t.ok(rules.length > 5)
  const frontend = `\n\nfrontend theirs from plimsoll\n    bind 127.0.0.1:8080\n    ${rules.join('\n    ')}\n`
  t.equal(complaints(theirs + config + frontend), '')
})

t.test('limits are those of the budget', async t => {
  const config = renderConfig(given)
  t.match(
    config,
    / maxconn 16 .*\n {4}server pod1 127\.0\.0\.1:3001 agent-check agent-port 9001 agent-inter 500ms\n {4}server pod2 \[::1\]:3002\n/,
  )
  t.match(config, / maxconn 64 .*\n {4}server pod1 127\.0\.0\.1:3001 track plimsoll\/pod1\n/)
  t.match(config, 'content-length),add(0) le 65536\n')
  t.match(config, '\n    timeout queue 30000ms\n')
  t.match(config, '\n    timeout server 90000ms\n')
})

for (const value of HOSTILE) {
  t.test(`nothing gets in by ${inspect(value)}`, async t => {
    const refused = (options: object, name: RegExp): void => {
      t.throws(
        () => renderConfig(wrong(options)),
        { code: 'ERR_PLIMSOLL_OPTION', message: name },
        inspect(options),
      )
    }
    refused({ servers: [{ host: value, port: 80 }] }, /^servers\[0\]\.host must be a host name/)
    refused({ bind: value }, /^bind must be an address/)
    refused({ bind: `${value || ' '}:80` }, /^bind must be an address/)
    refused({ bind: `:80${value || ' '}` }, /^bind must be an address/)
    if (!/^a[;/:]/.test(value)) {
      refused({ healthPath: `/${value || ' '}` }, /^healthPath must be a path/)
      refused({ largePaths: ['/', `/${value || ' '}`] }, /^largePaths\[1\] must be a path/)
      refused({ statsSocket: `/${value || ' '}` }, /^statsSocket must be a path/)
    }
    refused({ healthPath: value }, /^healthPath must be a path/)
  })
}

for (const [options, message] of [
  [{ servers: [] }, /^servers must be a list of at least one/],
  [{ servers: 'a' }, /^servers must be a list/],
  [{ servers: [null] }, /^servers\[0\] must be an object/],
  [{ servers: [{ host: 'a', port: 80, weight: 3 }] }, /^the key "weight" of servers\[0\] must be one of/],
  [{ servers: [{ host: 5, port: 80 }] }, /^servers\[0\]\.host/],
  [{ servers: [{ host: '1.2.3', port: 80 }] }, /^servers\[0\]\.host/],
  [{ servers: [{ host: '999.1.1.1', port: 80 }] }, /^servers\[0\]\.host/],
  [{ servers: [{ host: 'fe80::1%eth0', port: 80 }] }, /^servers\[0\]\.host/],
  [{ servers: [{ host: 'a', port: 0 }] }, /^servers\[0\]\.port must be a whole number from 1 to 65535/],
  [{ servers: [{ host: 'a', port: '80' }] }, /^servers\[0\]\.port/],
  [{ servers: [{ host: 'a', port: 80, agentPort: 65536 }] }, /^servers\[0\]\.agentPort/],
  [{ bind: 8080 }, /^bind/],
  [{ bind: ':0' }, /^bind/],
  [{ bind: ':65536' }, /^bind/],
  [{ bind: '::1:80' }, /^bind/],
  [{ bind: '[fe80::1%lo]:80' }, /^bind/],
  [{ bind: 'name:80' }, /^bind/],
  [{ form: 'all' }, /^form must be/],
  [{ largePaths: '/a' }, /^largePaths must be a list/],
  [{ largePaths: ['a'] }, /^largePaths\[0\]/],
  [{ clients: 0 }, /^clients must be a whole number from 1/],
  [{ requestsize: 5 }, /^the key "requestsize" of options/],
] as const) {
  t.test(`${inspect(options)} is refused`, async t => {
    t.throws(() => renderConfig(wrong(options)), { code: 'ERR_PLIMSOLL_OPTION', message })
  })
}
