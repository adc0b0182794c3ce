import type { Random } from '../soak/random.ts'
import { ByReading } from './by-reading.ts'
import { FrontProxy } from './front-proxy.ts'
import { Leastconn } from './leastconn.ts'
import { Omniscient } from './omniscient.ts'
import type { Pod } from './pod.ts'
import { world } from './world.ts'

export interface Setting {
  readonly pods: readonly Pod[]
  readonly proxies: number
  readonly random: Random
}

export interface Policy {
  readonly title: string
  /** Whether pods have a byte budget. */
  readonly governed: boolean
  readonly proxy: (setting: Setting) => FrontProxy
  /** Whether there is one proxy whatever the number. */
  readonly alone?: true
  /** Whether agents are asked. */
  readonly listens?: true
}

/** As a HAProxy with @plimsoll/haproxy has it: small ones have a backend of their own. */
const smallMaxconn = world.queueLimit / 4

export const policies = {
  'leastconn 6': counting(6),
  'leastconn 16': counting(16),
  'leastconn 40': counting(40),
  'leastconn 16 in all': {
    title: 'leastconn, 16 divided by the proxies',
    governed: false,
    proxy: ({ pods, proxies, random }) =>
      one(new Leastconn(pods.length, Math.ceil(16 / proxies), false, random)),
  },
  'budget, leastconn 40': {
    title: 'byte budget, leastconn 40',
    governed: true,
    proxy: ({ pods, random }) => one(new Leastconn(pods.length, 40, false, random)),
  },
  'budget, agent': {
    title: 'byte budget, leastconn by agent',
    governed: true,
    listens: true,
    proxy: ({ pods, proxies, random }) =>
      new FrontProxy(
        new Leastconn(pods.length, Math.ceil(16 / proxies), true, random),
        new Leastconn(pods.length, Math.ceil(smallMaxconn / proxies), false, random),
        world.smallBytes,
      ),
  },
  'budget, two choices': {
    title: 'byte budget, freer of two by agent',
    governed: true,
    listens: true,
    proxy: ({ pods, random }) => one(new ByReading(pods.length, 2, random)),
  },
  'budget, freest': {
    title: 'byte budget, freest by agent',
    governed: true,
    listens: true,
    proxy: ({ pods, random }) => one(new ByReading(pods.length, Number.POSITIVE_INFINITY, random)),
  },
  'budget, all known': {
    title: 'byte budget, all known',
    governed: true,
    alone: true,
    proxy: ({ pods }) => {
      const balancer = new Omniscient(pods)
      return new FrontProxy(balancer, balancer, world.smallBytes)
    },
  },
} satisfies Record<string, Policy>

export type PolicyName = keyof typeof policies

function counting(maxconn: number): Policy {
  return {
    title: `leastconn, maxconn ${maxconn}`,
    governed: false,
    proxy: ({ pods, random }) => one(new Leastconn(pods.length, maxconn, false, random)),
  }
}

function one(balancer: Leastconn | ByReading): FrontProxy {
  return new FrontProxy(balancer, undefined, 0)
}
