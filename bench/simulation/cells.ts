import type { PolicyName } from './policies.ts'
import type { Cell } from './simulate.ts'
import type { Question } from './simulation-result.ts'
import type { Mix } from './sizes.ts'
import { world } from './world.ts'

export interface Asked extends Cell {
  readonly question: Question
}

const counting: PolicyName[] = ['leastconn 6', 'leastconn 16', 'leastconn 40', 'leastconn 40 in all']
const governed: PolicyName[] = ['budget, leastconn 40', 'budget, agent', 'budget, two choices']
const known: PolicyName = 'budget, all known'
const main: PolicyName[] = [...counting, ...governed, known]

/** So long one of the largest takes on its link: until then those under way are fewer, and smaller, than later. */
const LONGEST = (16 * 2 ** 20) / world.linkBytesPerSecond

/** A few requests are not enough for a p99, and at few pods kills are rare. */
const LEAST_POD_SECONDS = 12_000

/** Of all but the largest mix with all files at 10,000 pods, which stops early: see `large`. */
const MOST_POD_SECONDS = 320_000

/** All simulations, or a few small ones. */
export function cells(seed: number, brief: boolean): Asked[] {
  const scales = brief ? [4, 16] : [4, 16, 100, 1_000, 10_000]
  const proxies = brief ? [1, 4] : [1, 4, 16]
  const few = brief ? 16 : 100
  return [
    ...scales.flatMap(pods =>
      proxies.flatMap(many => main.map(policy => asked('scale', 'uploads', policy, pods, many))),
    ),
    ...(['surge', 'cdn'] as const).flatMap(mix => main.map(policy => asked('mix', mix, policy, few, 4))),
    ...(['budget, agent', 'budget, two choices', 'budget, freest'] as const).flatMap(policy =>
      [0.1, 0.5, 2, 10].map(agentSeconds => ({
        ...asked('staleness', 'uploads', policy, few, 4),
        agentSeconds,
      })),
    ),
  ]

  function asked(question: Question, mix: Mix, policy: PolicyName, pods: number, many: number): Asked {
    const measured = Math.max(LONGEST, Math.min(MOST_POD_SECONDS, brief ? 500 : LEAST_POD_SECONDS) / pods)
    return {
      question,
      mix,
      policy,
      pods,
      proxies: many,
      load: loads[mix],
      agentSeconds: 0.5,
      warmUp: 2 * LONGEST,
      seconds: 2 * LONGEST + measured,
      seed,
    }
  }
}

const loads: Readonly<Record<Mix, number>> = { surge: 0.8, uploads: 0.6, cdn: 0.8 }

/** How dear a cell is: how many requests come in it. */
export function requestsOf({ pods, seconds, load }: Cell, meanBytes: number): number {
  return (pods * seconds * load * world.bytesPerSecond) / meanBytes
}
