import type { FloodResult, FloodRun } from '../flood/flood-result.ts'
import { Progress } from '../flood/progress.ts'
import { runFlood } from '../flood/run-flood.ts'
import { type Scenario, scenarios, totalRequests } from '../flood/scenarios.ts'
import { answered, ending, peak } from '../flood/wording.ts'
import { thisMachine } from '../machine.ts'
import { HaproxyProcess, haproxyVersion } from './haproxy-process.ts'
import { plainConfig } from './plain-config.ts'

/** As many as a Node pod is often given, and far too many for large uploads. */
const MAXCONN = 40
const LIMIT_BYTES = 512 * 2 ** 20
const BUDGET = '64MiB'
const STOP_AFTER_MS = 120_000

/** The floods of bench/flood against one pod behind a `maxconn` that counts requests, without Plimsoll and with it. */
export async function floodOnePod(
  runs: number,
  cage: { readonly forceCage?: 'supervisor' },
  only: readonly string[] = ['uploads', 'mixed', 'parts'],
): Promise<FloodRun> {
  const results: FloodResult[] = []
  for (const name of only) {
    const scenario = scenarios.find(known => known.name === name) as Scenario
    for (let run = 1; run <= runs; run++) {
      for (const governed of [false, true]) results.push(await floodOnce(scenario, governed, cage))
    }
  }
  return {
    measuredAt: new Date().toISOString(),
    machine: thisMachine(),
    framework: 'fastify',
    budget: BUDGET,
    storage: 'disk',
    front: `HAProxy ${haproxyVersion()} with maxconn ${MAXCONN}`,
    results,
  }
}

async function floodOnce(
  scenario: Scenario,
  governed: boolean,
  cage: { readonly forceCage?: 'supervisor' },
): Promise<FloodResult> {
  const label = `${scenario.name} behind maxconn ${MAXCONN}, ${governed ? 'governed' : 'ungoverned'}`
  const progress = new Progress(label, totalRequests(scenario), LIMIT_BYTES)
  const result = await runFlood(
    scenario,
    {
      ...cage,
      governed,
      framework: 'fastify',
      storage: 'disk',
      tuning: { by: 'hand', budget: BUDGET },
      limitBytes: LIMIT_BYTES,
      stopAfterMs: STOP_AFTER_MS,
      front: port => HaproxyProcess.start(plainConfig([port], MAXCONN)),
    },
    progress,
  )
  progress.done(`${answered(result)} answered, ${ending(result)}, peak ${peak(result)}`)
  return result
}
