import type { PolicyName } from './policies.ts'
import type { Cell } from './simulate.ts'
import type { Question } from './simulation-result.ts'
import type { Mix } from './sizes.ts'
import { world } from './world.ts'

export interface Asked extends Cell {
  readonly question: Question
}

const counting: PolicyName[] = ['leastconn 6', 'leastconn 16', 'leastconn 40', 'leastconn 16 in all']
const governed: PolicyName[] = ['budget, leastconn 40', 'budget, agent', 'budget, two choices']
const known: PolicyName = 'budget, all known'
const main: PolicyName[] = [...counting, ...governed, known]

/** So long one of the largest takes on its link: until then those under way are fewer, and smaller, than later. */
const LONGEST = (16 * 2 ** 20) / world.linkBytesPerSecond

/** Fewer pods are watched for longer: a p99 wants many requests, and kills are rare. */
const POD_SECONDS = 1_500

/** From here on a shorter time is enough. */
const MANY = 1_000

/** At 10,000 pods each is six million requests, so it is these only. */
const ofMost: PolicyName[] = ['budget, agent', 'budget, two choices']

/** All simulations, or a few small ones. */
export function cells(seed: number, brief: boolean): Asked[] {
  const few = brief ? 16 : 100
  const proxies = brief ? [1, 4] : [1, 4, 16]
  const pods = brief ? [4, few] : [4, 16, few]
  const usual = [
    ...scale(pods, main, 0.8),
    ...(brief ? [] : [...scale([MANY], main, 0.8), ...scale([10_000], ofMost, 0.8)]),
  ]
  const overload = scale(pods, main, 1.1)
  const age = (['budget, agent', 'budget, two choices', 'budget, freest'] as const).flatMap(policy =>
    [0.1, 0.5, 2, 10].map(agentSeconds => ({
      ...asked('staleness', 'uploads', policy, few, 4, 0.8),
      agentSeconds,
    })),
  )
  const mixes = (['surge', 'cdn'] as const).flatMap(mix =>
    main.map(policy => asked('mix', mix, policy, few, 4, 0.8)),
  )
  return [...usual, ...overload, ...mixes, ...age]

  function scale(pods: readonly number[], of: readonly PolicyName[], load: number): Asked[] {
    return pods.flatMap(count =>
      proxies.flatMap(many => of.map(policy => asked('scale', 'uploads', policy, count, many, load))),
    )
  }

  function asked(
    question: Question,
    mix: Mix,
    policy: PolicyName,
    pods: number,
    proxies: number,
    load: number,
  ): Asked {
    const warmUp = LONGEST * (pods < MANY ? 3 / 2 : pods > MANY ? 3 / 4 : 1)
    const least = LONGEST / (pods < MANY ? 1 : pods > MANY ? 12 : 4)
    const seconds = warmUp + Math.max(least, (brief ? POD_SECONDS / 10 : POD_SECONDS) / pods)
    return { question, mix, policy, pods, proxies, load, agentSeconds: 0.5, warmUp, seconds, seed }
  }
}

/** How dear a cell is: how many requests come in it. */
export function requestsOf({ pods, seconds, load }: Cell, meanBytes: number): number {
  return (pods * seconds * load * world.bytesPerSecond) / meanBytes
}
