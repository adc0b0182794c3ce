import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Governor } from '../src/governor.ts'
import type { GovernorOptions } from '../src/governor-options.ts'
import type { HttpRequest } from '../src/request-head.ts'
import { FakeClock } from './fixtures/fake-clock.ts'
import { isIdle } from './fixtures/governed-server.ts'
import { type Client, type Listener, listening, PROTOCOLS } from './fixtures/http-servers.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'
import { uploads } from './fixtures/uploads.ts'

const BODY = 'x'.repeat(100_000)

/** Reads the body and answers with its length. */
const answerLength: Listener = async (req, res) => {
  let length = 0
  for await (const part of req) length += part.length
  res.end(String(length))
}

interface Attached {
  readonly governor: Governor
  readonly client: Client
  /** Requests that have come to the handler. */
  readonly handled: HttpRequest[]
  /** That nothing is held, and that a client is served over its next connection, if not over this one. */
  leavesNothing(t: Test): Promise<void>
}

for (const [name, protocol] of Object.entries(PROTOCOLS)) {
  /** A test of a server that a governor is attached to. */
  const attached = (
    what: string,
    { governed = true, handler = answerLength, ...options }: GovernorOptions & Setup,
    run: (t: Test, attached: Attached) => Promise<void>,
  ): void => {
    t.test(`${name}: ${what}`, async t => {
      const governor = new Governor({ budget: '1MiB', logger: silent, ...options })
      const handled: HttpRequest[] = []
      const handle: Listener = (req, res) => {
        handled.push(req)
        return handler(req, res)
      }
      const server = protocol.create(governed ? governor.listener(handle) : handle)
      governor.attach(server)
      const port = await listening(t, server)
      const client = protocol.connect(port)
      t.teardown(() => client.close())
      await run(t, {
        governor,
        client,
        handled,
        async leavesNothing(t) {
          await until(
            () => isIdle(governor),
            () => `an idle governor, it has ${JSON.stringify(governor.stats())}`,
          )
          const next = await client.post('next')
          t.equal(next.status, 200, 'the next request of this client is served')
          await until(() => isIdle(governor), 'an idle governor')
        },
      })
    })
  }

  attached(
    'who finds room is told to go on, and served',
    {},
    async (t, { client, handled, leavesNothing }) => {
      for (let n = 1; n <= 3; n++) {
        const asking = client.ask(BODY.length)
        await until(() => asking.told > 0, 'the 100')
        t.equal(handled.length, 2 * n - 1)
        asking.end(BODY)
        t.match(await asking.answer(), { status: 200, text: String(BODY.length) })
        t.equal(asking.told, 1)
        await leavesNothing(t)
      }
    },
  )

  attached(
    'who has to wait is told at the grant, and not before',
    {},
    async (t, { governor, client, handled, leavesNothing }) => {
      const room = governor.budget.charge(2 ** 20)
      const asking = client.ask(BODY.length)
      await until(() => governor.stats().waiting === 1, 'its place in the queue')
      await turns()
      t.equal(asking.told, 0)
      t.equal(handled.length, 0)
      room.release()
      await until(() => asking.told > 0, 'the 100')
      asking.end(BODY)
      t.match(await asking.answer(), { status: 200, text: String(BODY.length) })
      t.equal(asking.told, 1)
      await leavesNothing(t)
    },
  )

  for (const length of [100, BODY.length]) {
    attached(
      `who finds the queue full is refused without a 100, with a body of ${length} bytes`,
      { queue: { limit: 0 } },
      async (t, { governor, client, handled, leavesNothing }) => {
        const room = governor.budget.charge(2 ** 20)
        const asking = client.ask(length)
        t.match(await asking.answer(), { status: 503, text: /ERR_PLIMSOLL_QUEUE_FULL/ })
        t.equal(asking.told, 0)
        t.equal(handled.length, 0)
        room.release()
        asking.leave()
        await leavesNothing(t)
      },
    )
  }

  attached(
    'who can never fit is refused without a 100',
    { budget: 1000 },
    async (t, { client, leavesNothing }) => {
      const asking = client.ask(BODY.length)
      t.match(await asking.answer(), { status: 413, text: /ERR_PLIMSOLL_BODY_OVER_BUDGET/ })
      t.equal(asking.told, 0)
      asking.leave()
      await leavesNothing(t)
    },
  )

  t.test(`${name}: who waits too long is refused without a 100`, async t => {
    const clock = new FakeClock(t)
    const governor = new Governor({ budget: 1000, queue: { timeoutMs: 5000 }, logger: silent })
    const server = protocol.create(governor.listener(answerLength))
    governor.attach(server)
    const client = protocol.connect(await listening(t, server))
    t.teardown(() => client.close())
    const room = governor.budget.charge(1000)
    const asking = client.ask(1000)
    await until(() => governor.stats().waiting === 1, 'its place in the queue')
    clock.tick(5000)
    t.match(await asking.answer(), { status: 503, text: /ERR_PLIMSOLL_QUEUE_TIMEOUT/ })
    t.equal(asking.told, 0)
    room.release()
    asking.leave()
    t.match(await client.post('next'), { status: 200 })
    await until(() => isIdle(governor), 'an idle governor')
    await governor.close()
  })

  attached(
    'who leaves while it waits is not waited for, and its handler not called',
    {},
    async (t, { governor, client, handled, leavesNothing }) => {
      const room = governor.budget.charge(2 ** 20)
      const asking = client.ask(BODY.length)
      await until(() => governor.stats().waiting === 1, 'its place in the queue')
      asking.leave()
      await until(() => governor.stats().waiting === 0, 'its end')
      t.match(governor.stats(), { admitted: 0, refused: { ERR_PLIMSOLL_CLIENT_GONE: 1 } })
      t.equal(handled.length, 0)
      room.release()
      await leavesNothing(t)
    },
  )

  attached(
    'who does not wait for its 100 is served like all others',
    {},
    async (t, { governor, client, leavesNothing }) => {
      const room = governor.budget.charge(2 ** 20)
      const asking = client.ask(BODY.length)
      asking.write(BODY.slice(0, 50_000))
      await until(() => governor.stats().waiting === 1, 'its place in the queue')
      asking.end(BODY.slice(50_000))
      await turns()
      room.release()
      t.match(await asking.answer(), { status: 200, text: String(BODY.length) })
      t.ok(asking.told <= 1)
      await leavesNothing(t)
    },
  )

  for (const length of [100, BODY.length]) {
    attached(
      `who does not wait for its 100 reads its refusal, with a body of ${length} bytes`,
      { queue: { limit: 0 } },
      async (t, { governor, client, leavesNothing }) => {
        const room = governor.budget.charge(2 ** 20)
        for (let n = 0; n < 20; n++) {
          const asking = client.ask(length)
          asking.write(BODY.slice(0, length))
          t.match(await asking.answer(), { status: 503, text: /ERR_PLIMSOLL_QUEUE_FULL/ })
          t.equal(asking.told, 0)
          asking.leave()
        }
        room.release()
        await leavesNothing(t)
      },
    )
  }

  attached(
    'a request that meets no governor is told when its body is first read',
    {
      governed: false,
      handler: async (req, res) => {
        await reads.promise
        return answerLength(req, res)
      },
    },
    async (t, { client, handled, leavesNothing }) => {
      reads = gate()
      const asking = client.ask(BODY.length)
      await until(() => handled.length === 1, 'the request')
      await turns()
      t.equal(asking.told, 0)
      reads.open()
      await until(() => asking.told > 0, 'the 100')
      asking.end(BODY)
      t.match(await asking.answer(), { status: 200, text: String(BODY.length) })
      t.equal(asking.told, 1)
      await leavesNothing(t)
    },
  )

  attached(
    'a handler that answers without reading spares the client its body',
    { governed: false, handler: (_req, res) => res.end('unread') },
    async (t, { client, leavesNothing }) => {
      const asking = client.ask(BODY.length)
      t.match(await asking.answer(), { status: 200, text: 'unread' })
      await turns()
      t.equal(asking.told, 0)
      asking.leave()
      await leavesNothing(t)
    },
  )

  attached(
    'who does not wait for its 100 reads the answer of a handler that does not read',
    { governed: false, handler: (_req, res) => res.end('unread') },
    async (t, { client, leavesNothing }) => {
      for (let n = 0; n < 20; n++) {
        const asking = client.ask(BODY.length)
        asking.write(BODY.slice(1))
        t.match(await asking.answer(), { status: 200, text: 'unread' })
        asking.leave()
      }
      await leavesNothing(t)
    },
  )

  attached(
    'who was admitted and is answered without being read was told before, and goes on',
    { handler: (_req, res) => res.end('unread') },
    async (t, { client, leavesNothing }) => {
      const asking = client.ask(BODY.length)
      t.match(await asking.answer(), { status: 200, text: 'unread' })
      t.equal(asking.told, 1)
      asking.end(BODY)
      await leavesNothing(t)
    },
  )

  attached(
    'who asks without a body is told, as without a governor',
    { handler: (_req, res) => res.end('no body') },
    async (t, { client, leavesNothing }) => {
      const asking = client.ask(0)
      await until(() => asking.told > 0, 'the 100')
      asking.end()
      const answer = await asking.answer()
      t.equal(answer.status, 200)
      t.not(answer.headers.connection, 'close')
      t.equal(asking.told, 1)
      await leavesNothing(t)
    },
  )

  t.test(`${name}: a body stays in its client while the request waits, whoever reads it`, async t => {
    const governor = new Governor({ budget: '1MiB', logger: silent })
    let seen = 0
    const governed = governor.listener(answerLength)
    const server = protocol.create((req, res) => {
      // A logger, say, that stands before us.
      req.on('data', part => {
        seen += part.length
      })
      return governed(req, res)
    })
    governor.attach(server)
    const client = protocol.connect(await listening(t, server))
    t.teardown(() => client.close())
    const room = governor.budget.charge(2 ** 20)
    const asking = client.ask(BODY.length)
    await until(() => governor.stats().waiting === 1, 'its place in the queue')
    await turns()
    t.equal(asking.told, 0)
    room.release()
    await until(() => asking.told > 0, 'the 100')
    asking.end(BODY)
    t.match(await asking.answer(), { status: 200, text: String(BODY.length) })
    t.equal(seen, BODY.length)
    await until(() => isIdle(governor), 'an idle governor')

    const full = governor.budget.charge(2 ** 20)
    const late = client.ask(BODY.length)
    await until(() => governor.stats().waiting === 1, 'its place in the queue')
    await governor.close()
    t.match(await late.answer(), { status: 503, text: /ERR_PLIMSOLL_CLOSED/ })
    t.equal(late.told, 0)
    full.release()
  })

  t.test(`${name}: attached by two governors, and by two copies of the package, it tells once`, async t => {
    const copy: typeof import('../src/expect-continue.ts') = await import(
      `../src/expect-continue.ts?copy=${name}`
    )
    const governors = [1, 2].map(() => new Governor({ budget: '1MiB', logger: silent }))
    const [first, second] = governors as [Governor, Governor]
    const server = protocol.create(first.listener(second.listener(answerLength)))
    for (const governor of governors) {
      governor.attach(server)
      governor.attach(server)
    }
    copy.deferContinue(server)
    t.equal(server.listenerCount('checkContinue'), 1)
    const client = protocol.connect(await listening(t, server))
    t.teardown(() => client.close())
    const asking = client.ask(BODY.length)
    await until(() => asking.told > 0, 'the 100')
    asking.end(BODY)
    t.match(await asking.answer(), { status: 200, text: String(BODY.length) })
    t.equal(asking.told, 1)
    await until(() => governors.every(isIdle), 'idle governors')
  })

  t.test(`${name}: attached by another copy of the package alone, it tells at the admission`, async t => {
    const copy: typeof import('../src/expect-continue.ts') = await import(
      `../src/expect-continue.ts?other=${name}`
    )
    const governor = new Governor({ budget: '1MiB', logger: silent })
    const server = protocol.create(governor.listener(() => {}))
    copy.deferContinue(server)
    const client = protocol.connect(await listening(t, server))
    t.teardown(() => client.close())
    const asking = client.ask(BODY.length)
    await until(() => asking.told > 0, 'the 100')
    asking.leave()
    await until(() => isIdle(governor), 'an idle governor')
  })

  for (const [when, order] of Object.entries({
    before: (own: () => unknown, attach: () => void) => [own, attach],
    after: (own: () => unknown, attach: () => void) => [attach, own],
  })) {
    t.test(`${name}: a server with a listener to 'checkContinue' from ${when} is left to it`, async t => {
      const governor = new Governor({ budget: '1MiB', logger: silent })
      const handled: HttpRequest[] = []
      const server = protocol.create((req, res) => {
        handled.push(req)
        return answerLength(req, res)
      })
      const own: Listener = (_req, res) => {
        res.statusCode = 417
        res.end('as I like')
      }
      for (const step of order(
        () => server.on('checkContinue', own),
        () => governor.attach(server),
      ))
        step()
      const client = protocol.connect(await listening(t, server))
      t.teardown(() => client.close())
      const asking = client.ask(BODY.length)
      t.match(await asking.answer(), { status: 417, text: 'as I like' })
      t.equal(asking.told, 0)
      t.equal(handled.length, 0)
      asking.leave()
      t.match(await client.post('next'), { status: 200 })
    })
  }
}

// In processes of their own: a client in ours reads its answer before it could be reset.
for (const size of [50_000, 32 * 2 ** 20]) {
  t.test(`who does not wait for its 100 reads its refusal, 20 times in 20, amid ${size} bytes`, async t => {
    const governor = new Governor({ budget: '32MiB', queue: { limit: 0, lane: 0 }, logger: silent })
    const server = PROTOCOLS.http.create(governor.listener(answerLength))
    governor.attach(server)
    const port = await listening(t, server)
    const room = governor.budget.charge(2 ** 25)
    t.same(await uploads(port, 'expect', size), Array(20).fill('503 ERR_PLIMSOLL_QUEUE_FULL'))
    room.release()
    await until(() => isIdle(governor), 'an idle governor')
  })

  t.test(
    `who does not wait for its 100 reads the answer of who does not read, amid ${size} bytes`,
    async t => {
      const governor = new Governor({ budget: '32MiB', logger: silent })
      const server = PROTOCOLS.http.create((_req, res) => res.end('unread'))
      governor.attach(server)
      t.same(await uploads(await listening(t, server), 'expect', size), Array(20).fill('200 unread'))
    },
  )
}

interface Setup {
  /** Whether the handler stands behind the governor. Default true. */
  readonly governed?: boolean
  readonly handler?: Listener
}

interface Gate {
  readonly promise: Promise<void>
  open(): void
}

let reads = gate()

function gate(): Gate {
  let open = (): void => {}
  const promise = new Promise<void>(resolve => {
    open = resolve
  })
  return { promise, open: () => open() }
}

/** Time enough for a 100 to arrive, if one were sent. */
async function turns(): Promise<void> {
  for (let n = 0; n < 20; n++) await setImmediate()
}
