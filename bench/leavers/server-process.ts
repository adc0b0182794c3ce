import { getEventListeners } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import plimsoll from '@plimsoll/fastify'
import { boundedFetch, fanOut, readBounded, type Task } from '@plimsoll/work'
import Fastify from 'fastify'
import type { Look } from './look.ts'

/** Tells its port, and then at each message what it sees. */
const [suppliers = ''] = process.argv.slice(2)
const counts = { requests: 0, tasks: 0, late: 0 }
const shutdown = new AbortController().signal
const quiet = { info() {}, warn() {}, error() {} }

const app = Fastify()
await app.register(plimsoll, { budget: '64MiB', cost: '64KiB', logger: quiet })
app.get<{ Params: { thing: string } }>('/:thing', async ({ params, plimsoll: reservation }) => {
  counts.requests++
  const bounded = boundedFetch({ limit: '64KiB', reservation, signal: shutdown })
  const task: Task<number> = async signal => {
    counts.tasks++
    if (reservation.signal.aborted || signal.aborted) counts.late++
    const response = await bounded(`${suppliers}/${params.thing}`, { signal })
    return (await readBounded(response, '64KiB', { reservation })).length
  }
  const shared = { name: 'suppliers', concurrency: 64, queueLimit: 100_000 }
  return fanOut([task, task, task, task], { reservation, concurrency: 2, shared, signal: shutdown })
})
await app.listen({ port: 0, host: '127.0.0.1' })

process.on('message', async () => process.send?.(await look()))
// The bench is gone, and with it whoever wants to know.
process.on('disconnect', () => process.exit())
process.send?.({ port: (app.server.address() as AddressInfo).port })

async function look(): Promise<Look> {
  // What waits for finalizers is gone with the second time.
  for (let times = 0; times < 4; times++) {
    globalThis.gc?.()
    await sleep(50)
  }
  const { heapUsed, external } = process.memoryUsage()
  const { reserved } = app.plimsoll.budget
  return {
    ...counts,
    bytes: heapUsed + external,
    sockets: process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length,
    listeners:
      getEventListeners(shutdown, 'abort').length +
      app.server.eventNames().reduce((sum, name) => sum + app.server.listenerCount(name), 0),
    reservedBytes: reserved,
    active: app.plimsoll.stats().active,
    held: app.plimsoll.heldWork().length,
  }
}
