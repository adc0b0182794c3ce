import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { head, until } from '@plimsoll/contract'
import plimsoll from '@plimsoll/fastify'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { fanOut, type Task } from '../src/index.ts'
import { silent } from './fixtures/in-request.ts'

/** So many at once, again and again; the bench has ten thousand. */
const CLIENTS = 250
const ROUNDS = 8
const TASKS = 6

interface Begun {
  /** Tasks that were begun. */
  tasks: number
  requests: number
  /** Tasks that run. */
  running: number
  listening: number
  /** Tasks that were begun for a client that had left. */
  late: number
}

async function crowdedServer(t: Test) {
  const begun: Begun = { tasks: 0, requests: 0, running: 0, listening: 0, late: 0 }
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(plimsoll, { budget: '64MiB', cost: 8192, logger: silent })
  // Of those that heed their signal, and so end a while after it.
  const taskOf =
    (gone: AbortSignal): Task<void> =>
    signal => {
      begun.tasks++
      if (gone.aborted || signal.aborted) begun.late++
      begun.running++
      begun.listening++
      return new Promise((_, reject) => {
        const onAbort = async (): Promise<void> => {
          begun.listening--
          await setImmediate()
          begun.running--
          reject(signal.reason)
        }
        signal.addEventListener('abort', onAbort, { once: true })
      })
    }
  app.get('/', async request => {
    begun.requests++
    const tasks = Array.from({ length: TASKS }, () => taskOf(request.plimsoll.signal))
    await fanOut(tasks, {
      reservation: request.plimsoll,
      concurrency: 3,
      bytes: 1024,
      shared: { name: 'a crowd', concurrency: 100, queueLimit: 2 * 3 * CLIENTS },
    })
    return 'never'
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as { port: number }
  return { app, begun, port }
}

async function crowd(port: number): Promise<Socket[]> {
  const sockets = Array.from({ length: CLIENTS }, () => connect(port, '127.0.0.1').on('error', () => {}))
  await Promise.all(sockets.map(socket => once(socket, 'connect')))
  for (const socket of sockets) socket.write(head('GET /'))
  return sockets
}

async function bytesInUse(): Promise<number> {
  for (let n = 0; n < 5; n++) {
    await setImmediate()
    globalThis.gc?.()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

t.test('of a crowd that leaves at once no task begins any more, and nothing is left', async t => {
  const { app, begun, port } = await crowdedServer(t)
  const governor = app.plimsoll
  const connections = promisify(app.server.getConnections.bind(app.server))
  const round = async (): Promise<void> => {
    begun.requests = 0
    const sockets = await crowd(port)
    await until(() => begun.requests === CLIENTS && begun.running === 100, 'all of them')
    t.equal(governor.heldWork().length, CLIENTS, 'each holds its fan-out')
    for (const [n, socket] of sockets.entries()) {
      if (n % 2 === 0) socket.destroy()
      else socket.resetAndDestroy()
    }
    const isEmpty = (): boolean => governor.stats().active === 0 && governor.budget.reserved === 0
    await until(isEmpty, () => `the release of all, there is ${JSON.stringify(governor.stats())}`)
    while ((await connections()) > 0) await setImmediate()
  }
  for (let n = 0; n < 2; n++) await round()
  const before = await bytesInUse()
  for (let n = 0; n < ROUNDS; n++) await round()
  const after = await bytesInUse()
  t.comment(`${Math.round(before / 1024)} KiB before, ${Math.round(after / 1024)} after`)
  t.match(begun, { running: 0, listening: 0, late: 0 })
  t.same(governor.heldWork(), [])
  t.ok(after < 1.1 * before, 'memory is within a tenth of what it was')
  const work = governor.report().routes.find(({ route }) => route === 'GET /')?.work
  t.equal(work?.tasks, begun.tasks)
  t.equal(work?.outlived, (ROUNDS + 2) * CLIENTS)
})
