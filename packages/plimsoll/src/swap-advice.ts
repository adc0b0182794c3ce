import type { Sizing } from './sizing.ts'
import { size } from './wording.ts'

/** Whether swap would help this container. */
export interface SwapAdvice {
  readonly helps: boolean
  readonly because: string
}

/**
 * Swap is for what is not touched again. That is true of much of an idle process, and of no body that is under way; nor
 * of V8's heap, all of which each full collection walks.
 */
export function swapAdvice({ limit, idle, workers, pods, host }: Sizing): SwapAdvice {
  const resting = workers * idle.bytes
  const over = host !== undefined && pods * limit.bytes > host
  const helps = resting > limit.bytes / 2
  const because = helps
    ? `${size(resting)} of ${size(limit.bytes)} is idle processes: what of it nobody touches again (code, caches) may be ` +
      'swapped out once, and makes room. Under a flood it does not help: bodies are touched until they are answered, and ' +
      "each full collection walks V8's heap."
    : `Only ${size(resting)} of ${size(limit.bytes)} is idle. The rest is bodies, which are touched until they are answered, ` +
      "and V8's heap, all of which each full collection walks: swapped out, every request is slow."
  return { helps, because: over ? `${because} Nor does it mend limits beyond the host.` : because }
}
