import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { flightText } from '../src/flight-text.ts'
import { printed } from './fixtures/plimsoll.ts'
import { killed, served } from './fixtures/readme-server.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

t.test('the README shows what the command prints', async t => {
  const file = join(t.testdir({ report: JSON.stringify(served) }), 'report')
  t.ok(readme.includes(await printed(t, 'report', file)), 'report')
  t.ok(readme.includes(await printed(t, 'advise', '--limit', '512MiB', '--report', file)), 'advise')
  t.ok(readme.includes(flightText(killed)), 'last')
})
