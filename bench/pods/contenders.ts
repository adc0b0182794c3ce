import { renderConfig } from '@plimsoll/haproxy'
import { figures, limits } from '../../examples/pods/src/figures.ts'
import type { Config } from './haproxy-process.ts'
import { plainConfig } from './plain-config.ts'
import type { Pod } from './pod.ts'

/** Pods, and a proxy in front of them. */
export interface Contender {
  readonly name: string
  /** Of its pods; without it they are not governed. */
  readonly budget?: string
  readonly config: (pods: readonly Pod[]) => Config
}

/** What the example deploys. */
export const plimsoll: Contender = {
  name: 'Plimsoll',
  budget: figures.budget,
  config: pods => where =>
    renderConfig({
      ...limits,
      ...where,
      servers: pods.map(({ port, agentPort }) => ({ host: '127.0.0.1', port, agentPort })),
    }),
}

/** What the field has: pods that know nothing, and a proxy that counts. */
export const leastconn: readonly Contender[] = [4, 6, 10, 40].map(maxconn => ({
  name: `leastconn, maxconn ${maxconn}`,
  config: pods =>
    plainConfig(
      pods.map(({ port }) => port),
      maxconn,
    ),
}))
