import { FLOATING_BYTES } from '@plimsoll/core'

/** What a Node process takes outside of its heap before its first request: 37 to 47 MiB (measured, bare and with Fastify). */
export const NATIVE_BYTES = 48 * 2 ** 20

/** Of the limit, what is planned with; the rest is for what nobody counts: kernel buffers, fragments, stacks. */
export const PLANNED = 0.85

/** Less is no heap for a server: with a framework V8 holds 17 MiB of it before the first request (measured). */
const LEAST_BYTES = 32 * 2 ** 20

/** Values of `--max-old-space-size`, in MiB; undefined where there is no room for a heap. */
export interface HeapLimits {
  /** Where handlers hold bodies as Buffers, which are outside of the heap. */
  readonly buffers: number | undefined
  /** Where they hold them parsed, or as strings: then the budget is in the heap. */
  readonly parsed: number | undefined
}

/**
 * How large V8 may let its heap grow. Unlike Go's GOMEMLIMIT the flag does not cover what is outside of the heap, so
 * that has to be left out.
 *
 * @param limitBytes of the process
 */
export function heapLimits(limitBytes: number, idleBytes: number, budget: number): HeapLimits {
  const left = PLANNED * limitBytes - FLOATING_BYTES - Math.min(NATIVE_BYTES, idleBytes)
  return { buffers: mebibytes(left - budget), parsed: mebibytes(left) }
}

function mebibytes(bytes: number): number | undefined {
  return bytes < LEAST_BYTES ? undefined : Math.floor(bytes / 2 ** 20)
}
