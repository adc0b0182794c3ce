import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { post } from '../bare-client.ts'
import type { Exchange } from '../framework.ts'
import { HTTP1, type Scenario } from '../scenario.ts'

/** What requests were made of, to see what of it is still in memory. */
class Remains {
  readonly #seen = new Map<string, WeakRef<object>>()

  /** A handler that reads its body, and has more of its own hang on it, as users do. */
  readonly read = async (exchange: Exchange): Promise<unknown> => {
    const { req, res, reservation } = exchange
    const body = await exchange.body()
    for (const [what, thing] of Object.entries({ req, res, reservation, body }))
      this.#seen.set(`${what} of ${body.length}`, new WeakRef(thing))
    Object.assign(req, { parsed: body })
    reservation.signal.addEventListener('abort', () => body.fill(0))
    reservation.hold(Promise.resolve(body))
    return exchange.reply({ body: 'read' })
  }

  get size(): number {
    return this.#seen.size
  }

  /** What is still in memory, after as many collections as it may take. */
  async left(): Promise<string[]> {
    let left = [...this.#seen]
    for (let n = 0; n < 50 && left.length > 0; n++) {
      // Twice, since what a finalizer lets go of is garbage only then.
      for (let twice = 0; twice < 2; twice++) {
        await turn()
        collectGarbage()
      }
      left = left.filter(([, thing]) => thing.deref() !== undefined)
    }
    return left.map(([what]) => what)
  }
}

function collectGarbage(): void {
  // Whoever runs the suite need not know of the flag.
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

/** A prototype kept the last body of each idle connection alive, and was killed with `reserved` looking right. */
export const retention: readonly Scenario[] = [
  {
    name: 'an idle keep-alive connection keeps nothing of its last requests, served, waited or refused',
    protocols: HTTP1,
    options: { budget: '16MiB', maxBody: '4MiB' },
    routes: trial => [{ method: 'POST', path: '/read', handle: remainsOf(trial).read }],
    async run(trial) {
      const remains = remainsOf(trial)
      const client = await trial.connect()
      client.write(post('/read', '1'.repeat(2 ** 22)))
      await client.answers(1)
      const room = trial.occupy()
      client.write(post('/read', '1'.repeat(1000)) + post('/read', '1'.repeat(999)))
      await trial.queued(2)
      room.free()
      await client.answers(3)
      client.write(post('/read', '1'.repeat(2 ** 22 + 1)))
      assert.deepEqual(await client.answers(4), [200, 200, 200, 413])
      await trial.holds(0)
      assert.equal(remains.size, 12)
      assert.deepEqual(await remains.left(), [])
    },
  },
  {
    name: 'an idle keep-alive connection keeps nothing of its last request while it stays open',
    protocols: HTTP1,
    options: { budget: '16MiB' },
    routes: trial => [{ method: 'POST', path: '/read', handle: remainsOf(trial).read }],
    async run(trial) {
      const client = await trial.connect()
      client.write(post('/read', '1'.repeat(2 ** 22)))
      assert.deepEqual(await client.answers(1), [200])
      await trial.holds(0)
      assert.deepEqual(await remainsOf(trial).left(), [])
      assert.equal((await client.next()).status, 200)
    },
  },
]

const remains = new WeakMap<object, Remains>()

function remainsOf(trial: object): Remains {
  const known = remains.get(trial) ?? new Remains()
  remains.set(trial, known)
  return known
}
