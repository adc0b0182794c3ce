import t from 'tap'
import type { Framework } from './framework.ts'
import { perform } from './perform.ts'
import { chances } from './refusing-budget.ts'
import { scenarios } from './scenarios.ts'

export interface ContractOptions {
  /** Has the budget refuse one admission in twenty, at random as this seed tells. */
  readonly refuseAtRandom?: number
}

/** A guard against hanging, far beyond what all of it takes. */
const BOUND_MS = 300_000

/** Performs every scenario on a framework, each as a test of tap. */
export function contract(framework: Framework, { refuseAtRandom }: ContractOptions = {}): Promise<unknown> {
  const { name, protocol = 'http' } = framework
  const title = refuseAtRandom === undefined ? name : `${name}, refused at random`
  const fitting = scenarios.filter(
    ({ protocols, once }) =>
      (protocols?.includes(protocol as never) ?? true) && !(once && refuseAtRandom !== undefined),
  )
  t.setTimeout(BOUND_MS)
  return t.test(title, { timeout: BOUND_MS }, async t => {
    let refused = 0
    for (const [n, scenario] of fitting.entries()) {
      await t.test(scenario.name, async () => {
        const refuses = refuseAtRandom === undefined ? undefined : chances(refuseAtRandom + n)
        refused += (await perform(framework, scenario, refuses)).refusedAtRandom
      })
    }
    if (refuseAtRandom !== undefined) t.ok(refused > 0, `${refused} admissions were refused`)
  })
}
