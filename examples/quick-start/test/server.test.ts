import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import t from 'tap'

const server = new URL('../src/server.ts', import.meta.url)

t.test('the README shows this very file', async t => {
  for (const readme of ['../../../README.md', '../../../packages/fastify/README.md']) {
    const text = readFileSync(new URL(readme, import.meta.url), 'utf8')
    t.ok(text.includes(readFileSync(server, 'utf8').trim()), readme)
  }
})

t.test('it serves, and holds what its routes declare', async t => {
  const port = await freePort()
  const child = spawn(process.execPath, ['--import', 'tsx', server.pathname], {
    env: { ...process.env, PORT: String(port), NODE_OPTIONS: '--conditions=plimsoll-source' },
    stdio: 'inherit',
  })
  t.teardown(() => child.kill())
  const url = `http://127.0.0.1:${port}`
  await listening(`${url}/health`)

  const document = JSON.stringify({ title: 'Load lines', pages: 12 })
  const stored = await fetch(`${url}/documents`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: document,
  })
  t.same(await stored.json(), { stored: document.length })
  t.same(await (await fetch(`${url}/thumbnail`)).json(), { held: 16 * 2 ** 20 })
})

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => probe.once('listening', resolve))
  const { port } = probe.address() as { port: number }
  await new Promise(resolve => probe.close(resolve))
  return port
}

async function listening(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      await fetch(url)
      return
    } catch {
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
  throw new Error(`nothing answers on ${url}`)
}
