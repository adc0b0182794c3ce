import type { Limiter } from './limiter.ts'

// One in a process, as the limiters themselves are.
const HELD = Symbol.for('plimsoll.held-limiters')
const registry = globalThis as { [HELD]?: WeakMap<AbortSignal, readonly Limiter[]> }

/** Where the task that was given this signal has a place: in the limiter of its call, and of each call that one is within. */
export function heldLimiters(signal: AbortSignal | undefined): readonly Limiter[] {
  return (signal && registry[HELD]?.get(signal)) ?? []
}

/** Tasks that are given this signal have a place in each of these. */
export function setHeldLimiters(signal: AbortSignal, limiters: readonly Limiter[]): void {
  registry[HELD] ??= new WeakMap()
  registry[HELD].set(signal, limiters)
}
