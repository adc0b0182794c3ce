import { checkDuration, checkOptions } from './options.ts'

/** When a probe is to fail. */
export interface HealthOptions {
  /**
   * Not live when nothing has moved for so long though requests wait for bytes, in milliseconds from 1. Default 60_000; more than the
   * longest that an honest handler works without reading its body or writing its answer.
   */
  readonly wedgedMs?: number
  /** Not ready when memory has been short for so long, in milliseconds from 1. Default 5000. */
  readonly shutMs?: number
}

/** The bounds of {@link HealthOptions}, checked. */
export interface ResolvedHealth {
  readonly wedgedMs: number
  readonly shutMs: number
}

/** Whether a server should live, and be sent requests. */
export interface Health {
  /** Whether to send it requests: not while it drains, while memory is short for long, or when it is not live. */
  readonly ready: boolean
  /** Whether to leave it running. */
  readonly live: boolean
  /** What is wrong, in words; empty where it is ready and live. */
  readonly reasons: readonly string[]
}

/** What the answer depends on. */
export interface Signs {
  readonly closing: boolean
  /** It will close, and admits until then. */
  readonly draining: boolean
  /** For how long newcomers have found less than the capacity. */
  readonly shutForMs: number
  /** Requests that wait for bytes of all, and not for their client's share alone. */
  readonly queued: number
  /** For how long nothing has moved, of the time in which such requests waited. */
  readonly stillMs: number
}

/** @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong */
export function resolveHealth(options: HealthOptions = {}): ResolvedHealth {
  checkOptions(options, ['wedgedMs', 'shutMs'], 'health')
  const { wedgedMs = 60_000, shutMs = 5000 } = options
  return Object.freeze({
    wedgedMs: checkDuration(wedgedMs, 'health.wedgedMs', 1),
    shutMs: checkDuration(shutMs, 'health.shutMs', 1),
  })
}

export function healthOf(
  { closing, draining, shutForMs, queued, stillMs }: Signs,
  { wedgedMs, shutMs }: ResolvedHealth,
): Health {
  const reasons: string[] = []
  if (closing) reasons.push('closing: new requests are refused')
  else if (draining) reasons.push('draining: it will close')
  if (shutForMs >= shutMs) reasons.push(`memory has been near its limit for ${seconds(shutForMs)}`)
  // Whose waiters have all timed out may have one long request under way, and nobody minds.
  const live = queued === 0 || stillMs < wedgedMs
  if (!live)
    reasons.push(`nothing was released and no bytes moved for ${seconds(stillMs)}, though ${queued} wait`)
  return { ready: reasons.length === 0, live, reasons }
}

function seconds(ms: number): string {
  return `${Math.floor(ms / 1000)} s`
}
