import { optionError } from './errors.ts'
import { Governor } from './governor.ts'
import { GOVERNOR_KEYS, type GovernorOptions } from './governor-options.ts'
import { checkObject, checkOptions } from './options.ts'
import type { Logger } from './refusal-log.ts'
import { POLICY_KEYS, type RoutePolicy, resolvePolicy } from './route-policy.ts'

/** What every adapter takes: a governor's options, or a governor of one's own (to share it) and a policy. */
export type AdapterOptions = NewGovernor | SharedGovernor

/** The options of a governor that is made for one adapter. */
export interface NewGovernor extends GovernorOptions {
  /** Not with options that are a governor's. */
  readonly governor?: undefined
}

/** A governor of one's own, and a policy for what is mounted here. */
export interface SharedGovernor extends RoutePolicy {
  /** Whoever made it closes it. */
  readonly governor: Governor
  /** The governor has its own. */
  readonly budget?: never
  /** The governor has its own. */
  readonly queue?: never
  /** The governor has its own. */
  readonly connections?: never
  /** The governor has its own. */
  readonly share?: never
  /** The governor has its own. */
  readonly valve?: never
  /** The governor has its own. */
  readonly recorder?: never
  /** The governor has its own. */
  readonly health?: never
  /** The governor has its own. */
  readonly deadlineHeader?: never
  /** The governor has its own. */
  readonly logger?: never
}

/** Whose governor an adapter is to use, and what for. */
export interface Governed {
  /** The one given, or a new one. */
  readonly governor: Governor
  /** What was said about requests; the governor's own defaults come under it. */
  readonly policy: RoutePolicy
  /** Whether the governor was given: then its owner closes it. */
  readonly shared: boolean
}

/** The governor's own: `exempt` is a function, and no policy's; its `mode` can be switched, and then holds for all routes. */
const OWN = ['exempt', 'mode']

/** What options say of requests. */
function policyOf(options: GovernorOptions): RoutePolicy {
  const ofPolicy = ([key]: [string, unknown]): boolean => POLICY_KEYS.includes(key) && !OWN.includes(key)
  return Object.fromEntries(Object.entries(options).filter(ofPolicy))
}

/**
 * The governor that an adapter's options name, or a new one.
 *
 * @param logger where a new one logs, unless the options say
 * @param keys what the adapter's options may say besides, for who mistypes them; taken out before
 * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong
 */
export function governorOf(options: AdapterOptions, logger?: Logger, keys: readonly string[] = []): Governed {
  checkObject(options, 'options')
  const known = 'governor' in options ? POLICY_KEYS : GOVERNOR_KEYS
  checkOptions(options, ['governor', ...keys, ...known], 'options')
  if ('governor' in options) {
    const { governor, ...policy } = options as SharedGovernor
    // By shape, since it may come from another copy of this package.
    if (typeof governor?.admit !== 'function') throw optionError('governor', 'a Governor', governor)
    resolvePolicy(policy)
    return { governor, policy, shared: true }
  }
  const { logger: own = logger } = options
  const governor = new Governor(own === undefined ? options : { ...options, logger: own })
  return { governor, policy: policyOf(options), shared: false }
}
