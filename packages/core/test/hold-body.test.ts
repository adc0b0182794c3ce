import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Governor } from '../src/governor.ts'
import { isIdle } from './fixtures/governed-server.ts'
import { type Listener, listening, PROTOCOLS } from './fixtures/http-servers.ts'
import { injected } from './fixtures/injected.ts'
import { silent } from './fixtures/recording-logger.ts'
import { until } from './fixtures/until.ts'

const MiB = 2 ** 20
/** What two readings of a socket, or the window of a stream, let in before anybody can stop it. */
const FIRST_READS = 2 * 64 * 1024

const answerLength: Listener = async (req, res) => {
  let length = 0
  for await (const part of req) length += part.length
  res.end(String(length))
}

for (const [name, protocol] of Object.entries(PROTOCOLS)) {
  t.test(`${name}: a body that is read before its admission comes after its admission`, async t => {
    const governor = new Governor({ budget: 8 * MiB, logger: silent })
    let seen = 0
    const governed = governor.listener(answerLength)
    const server = protocol.create((req, res) => {
      req.on('data', part => {
        seen += part.length
      })
      return governed(req, res)
    })
    const client = protocol.connect(await listening(t, server))
    t.teardown(() => client.close())
    const room = governor.budget.charge(8 * MiB)
    const answer = client.post('x'.repeat(8 * MiB))
    await until(() => governor.stats().waiting === 1, 'its place in the queue')
    // Time for the 8 MiB, if they were let in.
    await sleep(100)
    t.ok(seen <= FIRST_READS, `${seen} bytes`)
    room.release()
    t.match(await answer, { status: 200 })
    t.equal(seen, 8 * MiB)
    await until(() => isIdle(governor), 'an idle governor')
  })

  t.test(`${name}: who reads a body that is refused in the end gets it as without a governor`, async t => {
    const governor = new Governor({ budget: MiB, logger: silent })
    let seen = 0
    const governed = governor.listener(answerLength)
    const server = protocol.create((req, res) => {
      req.on('data', part => {
        seen += part.length
      })
      return governed(req, res)
    })
    const client = protocol.connect(await listening(t, server))
    t.teardown(() => client.close())
    const room = governor.budget.charge(MiB)
    const answer = client.post('x'.repeat(60_000))
    await until(() => governor.stats().waiting === 1, 'its place in the queue')
    await governor.close()
    t.match(await answer, { status: 503 })
    await until(() => seen === 60_000, 'the rest')
    room.release()
    await until(() => isIdle(governor), 'an idle governor')
  })
}

t.test('an injected body waits, too', async t => {
  const governor = new Governor({ budget: 10, logger: silent })
  const room = governor.budget.charge(10)
  const { req, res } = injected(['12345'])
  let seen = 0
  req.on('data', part => {
    seen += part.length
  })
  const admitted = governor.admit(req, res)
  await sleep(1)
  t.equal(seen, 0)
  room.release()
  await admitted
  await until(() => seen === 5, 'the body')
  res.emit('close')
  await until(() => isIdle(governor), 'an idle governor')
})
