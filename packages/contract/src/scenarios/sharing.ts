import assert from 'node:assert/strict'
import type { Running } from '../framework.ts'
import { plain } from '../plain.ts'
import type { Scenario } from '../scenario.ts'
import type { Trial } from '../trial.ts'

const silent = { info() {}, warn() {}, error() {} }

/** Two servers of which one has taken all there is. */
async function share(trial: Trial, one: Running, other: Running): Promise<void> {
  const first = trial.open('POST', '/keep', { length: 800, at: one })
  first.end('1'.repeat(800))
  const kept = await trial.handled(trial.kept.length + 1)
  const second = trial.open('POST', '/length', { length: 800, at: other })
  second.end('1'.repeat(800))
  await trial.until(() => trial.budget.waiting === 1, 'the other to wait')
  await trial.holds(800)
  kept.reply()
  assert.deepEqual([await first.answer(), await second.answer()], [200, 200])
}

/** Several servers in one process. */
export const sharing: readonly Scenario[] = [
  {
    name: 'two frameworks share one budget through one governor',
    // The other one speaks HTTP/1 without TLS.
    protocols: ['http'],
    options: { budget: 1000 },
    async run(trial) {
      const { governor } = trial
      const other = await trial.beside(plain, { governor })
      await share(trial, trial.running, other)
      await share(trial, other, trial.running)
    },
  },
  {
    name: 'a server that is given a governor admits by it, with a policy of its own',
    options: { budget: 1000 },
    async run(trial) {
      const { governor } = trial
      const other = await trial.beside(trial.framework, { governor, cost: 900 })
      assert.equal(other.governor, governor)
      const call = trial.open('GET', '/keep', { at: other })
      const kept = await trial.handled(1)
      await trial.holds(900)
      kept.reply()
      assert.equal(await call.answer(), 200)
      await share(trial, trial.running, trial.running)
    },
  },
  {
    name: 'two governors of two frameworks share one budget',
    protocols: ['http'],
    options: { budget: 1000 },
    async run(trial) {
      const other = await trial.beside(plain, { budget: trial.budget, logger: silent })
      assert.notEqual(other.governor, trial.governor)
      await share(trial, trial.running, other)
      await share(trial, other, trial.running)
      const { active, waiting } = other.governor.stats()
      assert.deepEqual({ active, waiting }, { active: 0, waiting: 0 })
    },
  },
]
