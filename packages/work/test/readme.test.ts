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

  const port = await startProgram(
    t,
    app,
    t.testdir({ 'tile-1': 'a', 'tile-2': 'b', 'tile-3': 'c', 'tile-4': 'd' }),
  )
  t.equal((await send(port, '/')).text, 'a, b, c, d')
  t.match((await send(port, '/report')).text, /^GET \/ +1 +1\.00 +4\.00 .* 4\.00$/m)
})
