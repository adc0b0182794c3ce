import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const SERVER = fileURLToPath(new URL('../src/server.ts', import.meta.url))

t.test('it runs, and ends when it is told to', async t => {
  const args = [...process.execArgv, SERVER, '--port', '0', '--budget', '16MiB']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = await once(createInterface(child.stdout), 'line')
  const url = `http://127.0.0.1:${JSON.parse(line).listening}`
  // A connection that is kept would keep the server for 5 s.
  const headers = { connection: 'close' }
  const stored = await fetch(`${url}/documents`, { method: 'POST', body: '{"a":1}', headers })
  t.same(await stored.json(), { keys: ['a'], held: 3 * 7 })
  t.match(await (await fetch(`${url}/health`, { headers })).json(), { capacity: 16 * 2 ** 20, active: 1 })
  child.kill('SIGTERM')
  t.same(await once(child, 'exit'), [0, null])
})
