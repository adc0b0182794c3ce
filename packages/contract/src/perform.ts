import assert from 'node:assert/strict'
import { BareClient } from './bare-client.ts'
import { Http2Session } from './http2-session.ts'
import { listenersOf, moreListeners } from './listeners.ts'
import type { NextClient } from './next-client.ts'
import { activeTimers, ownTimers } from './own-timers.ts'
import type { Scenario } from './scenario.ts'
import { Trial } from './trial.ts'
import { until } from './until.ts'

/** What came of it. */
export interface Performance {
  /** How many were refused though there was room. */
  readonly refusedAtRandom: number
}

/**
 * Performs a scenario, and holds up to its server what must be true after whatever has happened to one: nothing is
 * reserved, nobody waits, no listener or timer is left, and the next request is served, on a kept-alive connection too.
 *
 * Where somebody was refused at random, the scenario may have gone on or not; who was refused was told so.
 */
export async function perform(
  framework: Trial['framework'],
  scenario: Scenario,
  refuses?: () => boolean,
): Promise<Performance> {
  const timers = activeTimers()
  const ofProcess = listenersOf(process)
  const trial = await Trial.start(framework, scenario, refuses)
  try {
    await run(trial, scenario)
  } finally {
    await trial.stop()
  }
  assert.deepEqual(moreListeners(process, ofProcess), [], 'no listener is left on the process')
  await until(
    () => activeTimers() <= timers && ownTimers().length === 0,
    () => `the end of all timers, left are ${activeTimers() - timers} and ${ownTimers()}`,
  )
  return { refusedAtRandom: trial.refusedAtRandom }
}

async function run(trial: Trial, scenario: Scenario): Promise<void> {
  const kept = await keptAlive(trial)
  try {
    const { server } = trial.running
    const ofServer = listenersOf(server)
    await served(trial, kept)
    const [socket] = trial.idle
    const ofSocket = socket ? listenersOf(socket) : new Map()
    try {
      trial.begin()
      await scenario.run(trial)
    } catch (error) {
      if (!trial.brokenOff) throw error
      trial.letGo()
      await clearlyRefused(trial)
      trial.leave()
    }
    await idle(trial)
    if (scenario.closes) await trial.governor.close()
    await (scenario.closes ? turnedAway(kept) : served(trial, kept))
    const fresh = await keptAlive(trial)
    await (scenario.closes ? turnedAway(fresh) : served(trial, fresh))
    await idle(trial)
    for (const open of trial.idle) {
      if (open.destroyed) continue
      await until(
        () => moreListeners(open, ofSocket).length === 0,
        () => `the end of all listeners on the connection, left are ${moreListeners(open, ofSocket)}`,
      )
    }
    fresh.leave()
    assert.deepEqual(moreListeners(server, ofServer), [], 'no listener is left on the server')
    if (!scenario.closes) await trial.governor.close()
  } finally {
    kept.leave()
  }
}

async function keptAlive({ framework, running }: Trial): Promise<NextClient> {
  return framework.protocol === 'http2'
    ? new Http2Session(running.port)
    : BareClient.to(running.port, { secure: framework.protocol === 'https' })
}

/** That the next request is served; where the budget refuses at random, when it is asked again. */
async function served(trial: Trial, client: NextClient): Promise<void> {
  let answer = await client.next()
  for (let asked = 1; answer.status === 503 && trial.refusedAtRandom > 0 && asked < 10; asked++) {
    assert.match(answer.retryAfter ?? '', /^\d+$/, 'who is refused is told when to come back')
    answer = await client.next()
  }
  assert.equal(answer.status, 200, 'the next request is served')
}

async function turnedAway(client: NextClient): Promise<void> {
  const { status, retryAfter } = await client.next()
  assert.equal(status, 503, 'a closed governor refuses')
  assert.match(retryAfter ?? '', /^\d+$/)
}

/** That who was refused at random reads a status and when to come back. */
async function clearlyRefused(trial: Trial): Promise<void> {
  for (const client of trial.clients) {
    if (client.left || !trial.refused.includes(client.port)) continue
    if (client instanceof BareClient) {
      await until(
        () => /HTTP\/1\.1 503 [\s\S]*?\r\nretry-after: \d+\r\n[\s\S]*?\r\n\r\n/i.test(client.received),
        () => `a clear refusal, there is ${JSON.stringify(client.received)}`,
      )
    } else {
      client.read()
      assert.equal(await client.answer(), 503)
      assert.match(client.headers['retry-after'] ?? '', /^\d+$/)
    }
  }
}

/** Waits until nothing is held, and nobody waits. */
async function idle({ governor, budget }: Trial): Promise<void> {
  const left = () => {
    const { active, waiting } = governor.stats()
    return { active, waiting, reserved: budget.reserved, paidIn: budget.paidIn, queue: budget.waiting }
  }
  await until(
    () => Object.values(left()).every(figure => figure === 0),
    () => `the release of everything, left are ${JSON.stringify(left())}`,
  )
}
