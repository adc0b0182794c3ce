import type { Scenario } from './scenario.ts'
import { aborts } from './scenarios/aborts.ts'
import { bodies } from './scenarios/bodies.ts'
import { chunks } from './scenarios/chunks.ts'
import { connections } from './scenarios/connections.ts'
import { encodings } from './scenarios/encodings.ts'
import { expectations } from './scenarios/expectations.ts'
import { handlers } from './scenarios/handlers.ts'
import { lengths } from './scenarios/lengths.ts'
import { limits } from './scenarios/limits.ts'
import { options } from './scenarios/options.ts'
import { policies } from './scenarios/policies.ts'
import { reservations } from './scenarios/reservations.ts'
import { retention } from './scenarios/retention.ts'
import { sharing } from './scenarios/sharing.ts'
import { shutdown } from './scenarios/shutdown.ts'
import { slowClients } from './scenarios/slow-clients.ts'
import { streams } from './scenarios/streams.ts'
import { upgrades } from './scenarios/upgrades.ts'
import { uploaders } from './scenarios/uploaders.ts'

/** All that an adapter has to do. */
export const scenarios: readonly Scenario[] = [
  ...bodies,
  ...limits,
  ...encodings,
  ...chunks,
  ...lengths,
  ...aborts,
  ...handlers,
  ...reservations,
  ...streams,
  ...connections,
  ...retention,
  ...upgrades,
  ...expectations,
  ...policies,
  ...options,
  ...sharing,
  ...slowClients,
  ...shutdown,
  ...uploaders,
]
