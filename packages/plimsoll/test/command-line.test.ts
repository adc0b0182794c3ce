import { readFileSync } from 'node:fs'
import t from 'tap'
import { covered, plimsoll } from './fixtures/plimsoll.ts'
import { report, route } from './fixtures/report.ts'

t.setTimeout(300_000)
t.jobs = 2

t.test('the version is that of the package', async t => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  t.match(await plimsoll(['--version']), { code: 0, stdout: `${version}\n` })
})

t.test('help names each command, and each option of a command', async t => {
  t.match(await plimsoll(['--help']), { code: 0, stdout: /report .*advise .*haproxy /s })
  for (const option of [
    'limit',
    'idle',
    'report',
    'budget',
    'request-size',
    'pods',
    'workers',
    'host',
    'json',
  ]) {
    t.match((await plimsoll(['advise', '--help'])).stdout, ` --${option}`)
  }
})

t.test('a wrong word ends with 1, and is named', async t => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['', /Usage: plimsoll/],
    ['advice', /unknown command 'advice'/],
    ['report', /missing required argument/],
    ['report a b', /too many arguments/],
    ['advise --limt 512MiB', /unknown option '--limt'\n\(Did you mean --limit\?\)/],
    ['advise --limit', /option '--limit <size>' argument missing/],
    ['advise --limit 512mb', /option '--limit <size>' argument '512mb' is invalid\. It must be a size/],
    ['advise --budget 0', /option '--budget <size>' argument '0' is invalid/],
    ['advise --pods 0', /option '--pods <n>' argument '0' is invalid\. It must be a whole number from 1/],
    ['advise --workers 1.5', /option '--workers <n>' argument '1.5' is invalid/],
  ]
  for (const [line, message] of wrong) {
    const { code, stdout, stderr } = await plimsoll(line.split(' ').filter(Boolean))
    t.strictSame([code, stdout], [1, ''], line)
    t.match(stderr, message)
  }
})

t.test('advice is JSON that a program can read', async t => {
  const { code, stdout, stderr } = await plimsoll([
    'advise',
    '--json',
    '--limit',
    '512MiB',
    '--idle',
    '80MiB',
  ])
  t.strictSame([code, stderr], [0, ''])
  t.match(JSON.parse(stdout), { budget: { bytes: 184 * 2 ** 20 } })
})

t.test('a report comes through a pipe, too', async t => {
  const given = report([route('GET /')])
  const { code, stdout, stderr } = await plimsoll(['report', '-', '--json'], JSON.stringify(given))
  t.strictSame([code, stderr], [0, ''])
  t.strictSame(JSON.parse(stdout), given)
})

t.test('what fails is said in one line, and ends with 1', async t => {
  t.strictSame(await covered(['report', '-']), {
    code: 1,
    stdout: '',
    stderr: 'error: the standard input is no JSON: it is empty\n',
  })
  t.match(await covered(['advise', '--limit', '512MiB']), { code: 0, stderr: '' })
})
