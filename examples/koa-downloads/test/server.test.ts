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

t.test(
  'a file that is put upstream is got through either server, and all of them end when told to',
  async t => {
    const upstream = start(t, 'upstream', '--dir', t.testdir())
    const upstreamUrl = await listening(upstream)
    const governed = start(t, 'server', '--upstream', upstreamUrl, '--budget', '64MiB')
    const ungoverned = start(t, 'server', '--upstream', upstreamUrl, '--ungoverned')
    await fetch(`${upstreamUrl}/files/a`, { method: 'PUT', body: 'kept' })
    for (const server of [governed, ungoverned]) {
      t.equal(await (await fetch(`${await listening(server)}/files/a`)).text(), 'kept')
    }
    for (const server of [governed, ungoverned, upstream]) {
      server.kill('SIGTERM')
      t.same(await once(server, 'exit'), [0, null])
    }
  },
)
