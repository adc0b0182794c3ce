import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { send, startProgram } from '@plimsoll/contract'
import t from 'tap'

const app = fileURLToPath(new URL('fixtures/readme-app.ts', import.meta.url))

// A program that starts, on a machine that has other work.
t.setTimeout(120_000)

t.test('the README shows an application that runs', async t => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  t.ok(readme.includes(`\`\`\`ts\n${readFileSync(app, 'utf8')}\`\`\``), 'this very file')

  const port = await startProgram(t, app, t.testdir({ object: 'an object' }))
  t.equal((await send(port, '/download')).text, 'an object')
  t.same((await send(port, '/', { body: 'seven b' })).json(), { stored: 7, held: 7 })
  t.equal((await send(port, '/', { body: Buffer.alloc(2 ** 24 + 1) })).status, 413)
  t.equal((await send(port, '/health')).text, 'ok')
})
