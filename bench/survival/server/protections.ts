import type { FastifyInstance, FastifyReply } from 'fastify'
import { named } from '../../named.ts'
import type { Column } from '../columns.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20

/** Where it is a server's own affair: HAProxy stands elsewhere, and an unlimited one has nothing. */
type Protection = Exclude<Column, 'unlimited' | 'haproxy'>

/** Of the container's 512 MiB; V8 takes 259 MiB of these for its heap. */
const MAX_RSS = 384 * MiB
const MAX_HEAP_USED = 200 * MiB
/** One number for all rows, as a server has one. The flood of uploads peaked at 473 MiB with it. */
const AT_ONCE = 8
const BUDGET = 64 * MiB
/** As many as HAProxy is told of, and more than come. */
const MOST_CLIENTS = 8_000
/** async-mutex walks all values of its capacity at each release: in bytes that takes it 2.4 ms. */
const UNIT = 64 * KiB

/**
 * Each as its README says to install it, with limits that are below the container's. Imported where it is used, so that the
 * others are servers without it and not ones in which it idles.
 */
export const protections: Readonly<Record<Protection, (app: FastifyInstance) => unknown>> = {
  nothing() {},

  async 'under-pressure'(app) {
    await app.register(import('@fastify/under-pressure'), {
      maxEventLoopDelay: 1_000,
      maxHeapUsedBytes: MAX_HEAP_USED,
      maxRssBytes: MAX_RSS,
      maxEventLoopUtilization: 0.98,
    })
  },

  async 'overload-protection'(app) {
    const { default: overloadProtection } = await import('overload-protection')
    const protect = overloadProtection('http', {
      production: true,
      clientRetrySecs: 1,
      sampleInterval: 5,
      maxEventLoopDelay: 42,
      maxHeapUsedBytes: MAX_HEAP_USED,
      maxRssBytes: MAX_RSS,
      errorPropagationMode: false,
    })
    // Where it does not call `done` it has answered.
    app.addHook('onRequest', (request, reply, done) => {
      protect(request.raw, reply.raw, () => done())
    })
  },

  // Around more than the handler, or the body would be read before: until the response is over.
  async 'p-limit'(app) {
    const { default: pLimit } = await import('p-limit')
    const limit = pLimit(AT_ONCE)
    app.addHook('onRequest', (_request, reply, done) => {
      void limit(async () => {
        if (reply.raw.closed) return
        const over = closed(reply)
        done()
        await over
      })
    })
  },

  async semaphore(app) {
    const { Semaphore } = await import('async-mutex')
    const semaphore = new Semaphore(BUDGET / UNIT)
    app.addHook('onRequest', async ({ headers }, reply) => {
      const bytes = Number(headers['content-length'] ?? 0)
      const weight = Math.min(BUDGET / UNIT, Math.max(1, Math.ceil(bytes / UNIT)))
      const [, release] = await semaphore.acquire(weight)
      void closed(reply).then(release)
    })
  },

  async budget(app) {
    await app.register(import('@plimsoll/fastify'), {
      budget: BUDGET,
      share: { key: 'address' },
      connections: MOST_CLIENTS,
      queue: { limit: MOST_CLIENTS },
    })
  },

  async default(app) {
    await app.register(import('@plimsoll/fastify'))
  },
}

/** @throws where there is none of this name */
export function protectionNamed(name: string): Protection {
  return named('--protection', name, Object.keys(protections) as Protection[])
}

function closed({ raw }: FastifyReply): Promise<void> {
  return raw.closed ? Promise.resolve() : new Promise(resolve => raw.once('close', resolve))
}
