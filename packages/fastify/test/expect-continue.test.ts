import dns from 'node:dns'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import { connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { curlUpload } from '@plimsoll/contract'
import { Governor } from '@plimsoll/core'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { attachTo } from '../src/attach.ts'
import plimsoll, { type PlimsollOptions } from '../src/index.ts'
import { readAnswer } from './fixtures/client.ts'
import { idle, MiB } from './fixtures/governed-app.ts'
import { soon, turns, until } from './fixtures/until.ts'

const SIZE = 4 * MiB

/** Two addresses of this machine, as 'localhost' has where there is IPv6 and /etc/hosts says so. */
const ADDRESSES = ['127.0.0.1', '127.0.0.2']

function resolveLocalhost(t: Test): void {
  const { lookup } = dns
  const fake = (host: string, ...rest: unknown[]): void => {
    const done = rest.pop() as (error: null, ...found: unknown[]) => void
    if (host !== 'localhost') (lookup as (...args: unknown[]) => void)(host, ...rest, done)
    else if ((rest[0] as { all?: boolean } | undefined)?.all)
      done(
        null,
        ADDRESSES.map(address => ({ address, family: 4 })),
      )
    else done(null, ADDRESSES[0], 4)
  }
  t.intercept(dns, 'lookup', { value: fake })
}

async function listening(t: Test, app: FastifyInstance, host = '127.0.0.1'): Promise<number> {
  t.teardown(() => app.close())
  await app.listen({ port: 0, host })
  return (app.server.address() as AddressInfo).port
}

/** An application that takes uploads of any kind. */
async function uploadApp(
  options: PlimsollOptions,
  app: FastifyInstance = Fastify({ bodyLimit: SIZE, forceCloseConnections: true }),
): Promise<FastifyInstance> {
  await app.register(plimsoll, options)
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.put('/stored', async request => ({ length: (request.body as Buffer).length }))
  return app
}

async function bodyFile(t: Test): Promise<string> {
  const file = join(t.testdir({}), 'body')
  await writeFile(file, Buffer.alloc(SIZE))
  return file
}

t.test('curl is told to go on, or sends no byte, on each address that the server listens on', async t => {
  resolveLocalhost(t)
  const app = await uploadApp({ budget: SIZE, queue: { limit: 0 } })
  const port = await listening(t, app, 'localhost')
  t.equal(app.addresses().length, ADDRESSES.length)
  const file = await bodyFile(t)
  for (const address of ADDRESSES) {
    const url = `http://${address}:${port}/stored`
    t.same(await curlUpload(file, [url, url]), [
      { status: 200, sent: SIZE, connects: 1 },
      { status: 200, sent: SIZE, connects: 0 },
    ])
    await idle(app.plimsoll)
    const room = app.plimsoll.budget.tryAcquire(1)
    t.same(await curlUpload(file, [url]), [{ status: 503, sent: 0, connects: 1 }])
    room?.release()
  }
  await idle(app.plimsoll)
})

t.test('registered in a child, it is attached to all servers of the application', async t => {
  resolveLocalhost(t)
  const app = Fastify({ bodyLimit: SIZE, forceCloseConnections: true })
  app.register(async child => {
    await uploadApp({ budget: SIZE, queue: { limit: 0 } }, child as unknown as FastifyInstance)
    child.plimsoll.budget.tryAcquire(1)
  })
  app.put('/free', async () => 'never')
  const port = await listening(t, app, 'localhost')
  const file = await bodyFile(t)
  for (const address of ADDRESSES) {
    const url = `http://${address}:${port}`
    t.same(await curlUpload(file, [`${url}/stored`]), [{ status: 503, sent: 0, connects: 1 }])
    // Of a type that nobody parses.
    t.same(await curlUpload(file, [`${url}/free`], '--header', 'Content-Type: a/b'), [
      { status: 415, sent: 0, connects: 1 },
    ])
  }
})

interface Asking {
  told: number
  end(): void
  readonly answer: Promise<{ status: number }>
}

/** A client that asks before it sends. */
function ask(port: number, path: string, size = SIZE): Asking {
  const headers = { expect: '100-continue', 'content-length': size, 'content-type': 'a/b' }
  const req = request({ port, host: '127.0.0.1', path, method: 'PUT', headers, agent: false })
  req.on('error', () => {})
  req.flushHeaders()
  const asking = {
    told: 0,
    end: () => void req.end(Buffer.alloc(size)),
    answer: once(req, 'response').then(([res]) => readAnswer(res)),
  }
  req.on('continue', () => asking.told++)
  return asking
}

t.test('who has to wait is told at the grant, and not before', async t => {
  const app = await uploadApp({ budget: SIZE })
  const port = await listening(t, app)
  const room = app.plimsoll.budget.tryAcquire(1)
  const asking = ask(port, '/stored')
  await until(() => app.plimsoll.stats().waiting === 1, 'it to wait')
  await turns()
  t.equal(asking.told, 0)
  room?.release()
  await until(() => asking.told === 1, 'the 100')
  asking.end()
  t.equal((await soon(asking.answer, 'an answer')).status, 200)
  t.equal(asking.told, 1)
  await idle(app.plimsoll)
})

t.test('a body over the limit of its route is refused before it is sent', async t => {
  const app = await uploadApp({ budget: 2 * SIZE })
  const asking = ask(await listening(t, app), '/stored', SIZE + 1)
  t.equal((await soon(asking.answer, 'an answer')).status, 413)
  t.equal(asking.told, 0)
  await idle(app.plimsoll)
})

t.test(
  'a server that the application has made is attached, too, and its own listener left alone',
  async t => {
    for (const own of [false, true]) {
      const servers: Server[] = []
      const app = await uploadApp(
        { budget: SIZE },
        Fastify({
          bodyLimit: SIZE,
          serverFactory: handler => {
            const server = createServer(handler)
            servers.push(server)
            if (own) server.on('checkContinue', (_req, res) => res.writeHead(417).end())
            return server
          },
        }),
      )
      const port = await listening(t, app)
      const asking = ask(port, '/stored')
      if (!own) {
        await until(() => asking.told === 1, 'the 100')
        asking.end()
      }
      t.equal((await soon(asking.answer, 'an answer')).status, own ? 417 : 200)
      t.equal(asking.told, own ? 0 : 1)
      t.equal(servers[0], app.server)
      await idle(app.plimsoll)
    }
  },
)

t.test('over HTTP/2 a refused client is told nothing, and who is admitted to go on', async t => {
  const app = await uploadApp(
    { budget: 1000, queue: { limit: 0 } },
    Fastify({ http2: true }) as unknown as FastifyInstance,
  )
  const port = await listening(t, app)
  const session = connect(`http://127.0.0.1:${port}`)
  t.teardown(() => session.destroy())
  for (const [size, status] of [
    [1001, 413],
    [1000, 200],
  ]) {
    const headers = { ':method': 'PUT', ':path': '/stored', expect: '100-continue', 'content-type': 'a/b' }
    const stream = session.request({ ...headers, 'content-length': size as number })
    let told = 0
    stream.on('continue', () => {
      told++
      stream.end(Buffer.alloc(size as number))
    })
    const [head] = await soon(once(stream, 'response'), 'an answer')
    await text(stream)
    t.equal(head[':status'], status)
    t.equal(told, status === 200 ? 1 : 0)
    stream.close()
  }
  await idle(app.plimsoll)
})

t.test('a Fastify that kept its further servers elsewhere would leave them to Node', async t => {
  const governor = new Governor({ budget: SIZE })
  const hooks: (() => Promise<void>)[] = []
  const server = createServer()
  const other = { server, addHook: (_name: string, hook: () => Promise<void>) => hooks.push(hook) }
  attachTo(other as unknown as FastifyInstance, governor)
  for (const hook of hooks) await hook()
  t.equal(server.listenerCount('checkContinue'), 1)
})
