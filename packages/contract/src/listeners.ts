import type { EventEmitter } from 'node:events'

/** How many listen to what. */
export function listenersOf(emitter: EventEmitter): ReadonlyMap<string | symbol, number> {
  return new Map(emitter.eventNames().map(name => [name, emitter.listenerCount(name)]))
}

/** What more listen to than `before`. */
export function moreListeners(emitter: EventEmitter, before: ReadonlyMap<string | symbol, number>): string[] {
  return [...listenersOf(emitter)]
    .filter(([name, count]) => count > (before.get(name) ?? 0))
    .map(([name, count]) => `${String(name)}: ${count}, before ${before.get(name) ?? 0}`)
}
