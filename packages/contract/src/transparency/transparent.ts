import type { AdapterOptions } from '@plimsoll/core'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { Framework } from '../framework.ts'
import { BY_CONTRACT, type Exception, type Pair } from './by-contract.ts'
import { compared, said } from './compared.ts'
import { Side } from './outcome.ts'
import { http, http2, https } from './protocols.ts'
import { pathsOf } from './routes.ts'
import type { Protocol, Session } from './session.ts'

const PATIENCE_MS = 15
/** How often a session is played that came to something else, with more and more patience: some of it is chance. */
const ROUNDS = 4

/** A guard against hanging, far beyond what all of it takes. */
const BOUND_MS = 300_000
/** Where there is a counterexample, it is the smallest one that was found by then. */
const SHRINKING_MS = 60_000

const silent = { info() {}, warn() {}, error() {} }

interface Run {
  readonly title: string
  /** Whether something may differ by contract. */
  readonly exact?: true
  readonly options: AdapterOptions
  /** How many are open at a time, each for a session of at least one request. */
  readonly connections: number
  readonly runs: number
}

/** 500 requests, and on average nearly a thousand. Without a limit, one body in chunks would reserve all there is. */
const MANY: Run = {
  title: 'many at a time',
  options: { budget: '1GiB', maxBody: '16MiB' },
  connections: 25,
  runs: 20,
}
const MANY_LIMITED: Run = { ...MANY, options: { budget: '1GiB' } }
const ONE: Run = { title: 'one at a time, with no options at all', options: {}, connections: 1, runs: 50 }
/** With no options a body of unknown length reserves all there is, and of the streams of a connection one waits for another. */
const ONE_LIMITED: Run = { ...ONE, title: 'one at a time', options: { maxBody: '16MiB' } }

/** What would all wait and be refused, if the governor acted. */
const OBSERVED: Run = {
  title: 'many at a time, and observed with no room at all',
  exact: true,
  options: { budget: 1, queue: { limit: 3, timeoutMs: 50 }, connections: 2, mode: 'observe' },
  connections: 25,
  runs: 10,
}

/** Nobody can tell from outside that the framework's servers are governed, while there is room. */
export function transparent(framework: Framework, seed: number): void {
  t.setTimeout(BOUND_MS)
  const { name, protocol = 'http', limited } = framework
  for (const run of [limited ? MANY_LIMITED : MANY, protocol === 'http2' ? ONE_LIMITED : ONE, OBSERVED]) {
    t.test(`${name} answers governed as it does ungoverned: ${run.title}`, { timeout: BOUND_MS }, t =>
      protocol === 'http2'
        ? compare(t, framework, http2, seed, run)
        : compare(t, framework, protocol === 'https' ? https : http, seed, run),
    )
  }
}

async function compare<S extends Session>(
  t: Test,
  framework: Framework,
  protocol: Protocol<S>,
  seed: number,
  { options, connections, runs, exact }: Run,
): Promise<void> {
  // Express shows the stacks of errors while one develops, and they show us.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const both = new Both(
    await Side.of(framework, protocol),
    await Side.of(framework, protocol, { ...options, logger: silent } as AdapterOptions),
    exact ? [] : BY_CONTRACT,
  )
  t.teardown(async () => {
    Error.stackTraceLimit = stackTraceLimit
    await both.stop()
  })
  // So that a counterexample shrinks to the one session that fails.
  const session = fc.option(protocol.generated(pathsOf(framework)), { freq: 2 ** 30, nil: undefined })
  await fc.assert(
    fc.asyncProperty(
      fc.array(session, { minLength: connections, maxLength: connections }),
      async sessions => {
        await Promise.all(sessions.map(session => session && both.play(session)))
      },
    ),
    { numRuns: runs, seed, asyncReporter, interruptAfterTimeLimit: SHRINKING_MS },
  )
  t.match(both.governed.running.governor.stats(), { reserved: 0, active: 0, waiting: 0 }, 'nothing is left')
  t.ok(both.requests >= connections * runs, `${both.requests} requests`)
  t.comment(`${both.unsteady} came to the same only when they were played again`)
  for (const [why, times] of both.exceptions) t.comment(`${times} by contract: ${why}`)
}

async function asyncReporter<T>({ failed, errorInstance }: fc.RunDetails<T>): Promise<void> {
  // It has all that there is to say, and the generated values are bytes.
  if (failed) throw errorInstance
}

/** The two servers under comparison, and what they were asked. */
class Both<S extends Session> {
  readonly ungoverned: Side<S>
  readonly governed: Side<S>
  readonly exceptions = new Map<string, number>()
  requests = 0
  unsteady = 0
  readonly #byContract: readonly Exception[]

  constructor(ungoverned: Side<S>, governed: Side<S>, byContract: readonly Exception[]) {
    this.ungoverned = ungoverned
    this.governed = governed
    this.#byContract = byContract
  }

  /** @throws where a session comes to something else on the one than on the other, each time */
  async play(session: S): Promise<void> {
    this.requests += session.requests
    for (let round = 1; ; round++) {
      const { equal, exceptions, pair } = compared(await this.#pair(session, round), this.#byContract)
      if (equal) {
        if (round > 1) this.unsteady++
        for (const { why } of exceptions) this.exceptions.set(why, (this.exceptions.get(why) ?? 0) + 1)
        return
      }
      if (round === ROUNDS) throw new Error(said(pair))
    }
  }

  /** At once is faster; but who comes first on an event loop may see more of a body come. */
  async #pair(session: S, round: number): Promise<Pair> {
    const patienceMs = PATIENCE_MS * round ** 2
    const played = this.ungoverned.play(session, patienceMs)
    if (round > 1) await played
    const governed = await this.governed.play(session, patienceMs)
    return { session, ungoverned: await played, governed }
  }

  async stop(): Promise<void> {
    await Promise.all([this.ungoverned.running.stop(), this.governed.running.stop()])
  }
}
