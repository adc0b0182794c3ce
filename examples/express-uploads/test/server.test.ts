import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { beginForm, sendFile } from './form.ts'

const SERVER = fileURLToPath(new URL('../src/server.ts', import.meta.url))

function start(t: Test, ...args: string[]): ChildProcess {
  // As this test itself is run. Another loader's source map would blur the coverage of all that both load.
  const child = spawn(process.execPath, [...process.execArgv, SERVER, '--dir', t.testdir(), ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

async function listening({ stdout }: ChildProcess): Promise<number> {
  const [line] = await once(stdout as NonNullable<typeof stdout>, 'data')
  return JSON.parse(line).listening
}

t.test('it takes uploads, refuses what never fits before it is sent, and ends when told to', async t => {
  const server = start(t, '--port', '0', '--budget', '8MiB')
  const port = await listening(server)
  const url = `http://127.0.0.1:${port}`
  t.equal((await sendFile(url, 'a', Buffer.from('kept'))).status, 201)
  t.equal(await (await fetch(`${url}/files/a`)).text(), 'kept')

  const image = beginForm(`${url}/images`, 'image', 5 * 2 ** 20, { expect: '100-continue' })
  image.on('continue', () => t.fail('it was told to go on')).flushHeaders()
  const [answer] = await once(image, 'response')
  t.equal(answer.statusCode, 413)
  image.destroy()

  // Its port is taken now.
  t.same(await once(start(t, '--port', String(port)), 'exit'), [1, null])
  server.kill('SIGTERM')
  t.same(await once(server, 'exit'), [0, null])
})

t.test('ungoverned it takes them too', async t => {
  const server = start(t, '--port', '0', '--ungoverned')
  const url = `http://127.0.0.1:${await listening(server)}`
  t.equal((await sendFile(url, 'a', Buffer.from('kept'))).status, 201)
  server.kill('SIGINT')
  t.same(await once(server, 'exit'), [0, null])
})
