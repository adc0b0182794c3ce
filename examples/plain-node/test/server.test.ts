import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ask, connect } from './client.ts'
import { CERTIFICATE } from './serve.ts'

const SERVER = fileURLToPath(new URL('../src/server.ts', import.meta.url))
const MiB = 2 ** 20

t.test('it serves by its options, and ends well on SIGTERM with an upload under way', async t => {
  const dir = t.testdir({ 'cert.pem': CERTIFICATE.cert, 'key.pem': CERTIFICATE.key })
  const files = ['--dir', dir, '--cert', join(dir, 'cert.pem'), '--key', join(dir, 'key.pem')]
  const args = ['--protocol', 'http2', '--port', '0', '--budget', '3MiB', '--max-body', '1MiB', ...files]
  // As this test itself is run. Another loader's source map would blur the coverage of all that both load.
  const child = spawn(process.execPath, [...process.execArgv, SERVER, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = await once(createInterface(child.stdout), 'line')
  const client = connect('http2', JSON.parse(line).listening, CERTIFICATE.cert)

  t.match(JSON.parse((await ask(client, 'GET', '/health')).body), { capacity: 3 * MiB })
  const upload = client.send('PUT', '/notes/a', { 'content-length': MiB, expect: '100-continue' })
  await upload.goOn
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  upload.body.end('1'.repeat(MiB))
  t.equal((await upload.answer).status, 204)
  t.same(await ended, [0, null])
})
