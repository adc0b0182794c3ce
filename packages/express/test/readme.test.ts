import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { send, startProgram } from '@plimsoll/contract'
import t from 'tap'

const app = fileURLToPath(new URL('fixtures/readme-app.ts', import.meta.url))

// A program that starts, on a machine that has other work.
t.setTimeout(120_000)

t.test('the README shows an application that runs', async t => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  t.ok(readme.includes(`\`\`\`ts\n${readFileSync(app, 'utf8')}\`\`\``), 'this very file')

  const folder = t.testdir()
  const port = await startProgram(t, app, folder)
  t.equal((await send(port, '/upload', { method: 'PUT', body: 'an object' })).status, 201)
  t.equal(readFileSync(join(folder, 'upload'), 'utf8'), 'an object')
  t.same((await send(port, '/thumbnail')).json(), { held: 16 * 2 ** 20 })
  const headers = { 'content-type': 'application/json' }
  t.same((await send(port, '/documents', { headers, body: '{"a":1}' })).json(), { stored: 7 })
  t.equal((await send(port, '/documents', { headers, body: Buffer.alloc(2 ** 24 + 1) })).status, 413)
  t.equal((await send(port, '/health')).text, 'ok')
})
