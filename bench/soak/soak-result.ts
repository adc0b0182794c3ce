import type { Survival } from '../flood/flood-result.ts'
import type { Inside } from '../flood/servers/inside.ts'
import type { Framework } from '../flood/servers.ts'
import type { Machine } from '../machine.ts'

/** A soak as soak.json keeps it; the picture is made from this alone. */
export interface SoakRun extends Survival {
  readonly measuredAt: string
  readonly machine: Machine
  readonly framework: Framework
  readonly budget: string
  readonly seed: number
  readonly clients: number
  readonly seconds: number
  readonly byEnding: Readonly<Record<string, number>>
  /** After gc(), with nobody there: warmed up, and at the end. */
  readonly before: Inside
  readonly after: Inside
  readonly series: readonly Look[]
}

export interface Look extends Inside {
  readonly atSeconds: number
  readonly containerBytes: number
}

/** Heap and Buffers together. */
export function usedBytes({ heapUsedBytes, externalBytes }: Inside): number {
  return heapUsedBytes + externalBytes
}

/** Nothing is reserved or waiting, and the memory is within a tenth of what it was. */
export function isClean({ before, after, ending }: Pick<SoakRun, 'before' | 'after' | 'ending'>): boolean {
  const grown = usedBytes(after) / usedBytes(before)
  return ending.kind === 'alive' && after.reservedBytes === 0 && after.waiting === 0 && grown <= 1.1
}
