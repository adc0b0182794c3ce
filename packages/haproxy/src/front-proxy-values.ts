import { checkOptions } from '@plimsoll/core'
import { LIMIT_KEYS, type LimitOptions, limitsOf } from './limits.ts'

/** Values as a Helm chart has them, or a patch of Kustomize. */
export interface FrontProxyValues {
  /** What a front proxy is told. */
  readonly frontproxy: {
    /** Requests at once to one pod. */
    readonly maxConnPerPod: number
    /** Small requests at once to one pod, beside those. */
    readonly maxConnSmallPerPod: number
    /** Up to so many bytes a body is small. */
    readonly smallRequestBytes: number
    /** As HAProxy reads them. */
    readonly timeouts: {
      /** How long a request may wait in it. */
      readonly queue: string
      /** How long a pod may say nothing. */
      readonly server: string
    }
  }
}

/**
 * The limits of {@link renderConfig} for a chart that has a configuration of its own.
 *
 * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong
 */
export function frontProxyValues(options: LimitOptions): FrontProxyValues {
  checkOptions(options, LIMIT_KEYS, 'options')
  const limits = limitsOf(options)
  return {
    frontproxy: {
      maxConnPerPod: limits.maxConnPerPod,
      maxConnSmallPerPod: limits.maxConnSmallPerPod,
      smallRequestBytes: limits.smallBytes,
      timeouts: { queue: `${limits.queueTimeoutMs}ms`, server: `${limits.serverTimeoutMs}ms` },
    },
  }
}
