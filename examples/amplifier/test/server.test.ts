import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'

function start(t: Test, module: string, ...args: string[]): ChildProcess {
  const file = fileURLToPath(new URL(`../src/${module}.ts`, import.meta.url))
  // As this test itself is run. Another loader's source map would blur the coverage of all that both load.
  const child = spawn(process.execPath, [...process.execArgv, file, '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

async function listening({ stdout }: ChildProcess): Promise<string> {
  const [line] = await once(stdout as NonNullable<typeof stdout>, 'data')
  return `http://127.0.0.1:${JSON.parse(line).listening}`
}

t.test('either server answers with what suppliers offer, and all of them end when told to', async t => {
  const suppliers = start(t, 'suppliers-server')
  const args = ['--suppliers', await listening(suppliers), '--faults', 'all']
  const servers = [start(t, 'server', ...args), start(t, 'server', ...args, '--guarded', '--budget', '16MiB')]
  for (const server of servers) {
    const response = await fetch(`${await listening(server)}/offers/fine-1`)
    t.same(await response.json(), { north: 6, east: 6, south: 6, west: 6 })
  }
  for (const server of [...servers, suppliers]) {
    server.kill('SIGTERM')
    t.same(await once(server, 'exit'), [0, null])
  }
})
