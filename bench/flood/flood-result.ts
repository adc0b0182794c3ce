import type { CageFigures } from '../cage/cage.ts'
import type { Machine } from '../machine.ts'
import type { Contender } from '../telemetry/contenders.ts'
import type { Framework } from './servers.ts'
import type { TracedSpans } from './tracing.ts'

/** Whether a server lived in its cage, and how near it came to the limit. */
export interface Survival {
  readonly cage: CageFigures
  readonly ending: FloodEnding
  readonly peakBytes: number
}

/** One scenario against one server. */
export interface FloodResult extends Survival {
  readonly scenario: string
  readonly title: { readonly name: string; readonly load: string }
  readonly server: 'ungoverned' | 'governed'
  readonly requests: number
  readonly answered: number
  /** How many requests ended how: by status, or by the error's code. */
  readonly byStatus: Readonly<Record<string, number>>
  readonly peakOf:
    | { readonly anonBytes: number; readonly kernelBytes: number; readonly socketBytes: number }
    | undefined
  readonly idleBytes: number
  readonly liveFrames: number | undefined
  readonly spans?: TracedSpans
  readonly seconds: number
  readonly megabytesPerSecond: number
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
  /** Memory over time: [seconds since the flood began, MiB], rounded to what a picture can show. */
  readonly series: readonly (readonly [number, number])[]
}

export type FloodEnding =
  | { readonly kind: 'alive' }
  /** Proven: the kernel's counter says so, or the supervisor has done it. */
  | {
      readonly kind: 'killed for memory'
      readonly exitCode: number
      readonly atSeconds: number
      readonly killer: string
    }
  | { readonly kind: 'died'; readonly exitCode: number; readonly atSeconds: number; readonly stderr: string }
  | { readonly kind: 'does not answer' }
  | { readonly kind: 'stopped'; readonly afterSeconds: number }

/** A run of the bench as flood.json keeps it; the table and the picture are made from this alone. */
export interface FloodRun {
  readonly measuredAt: string
  readonly machine: Machine
  readonly framework: Framework
  readonly budget: string
  readonly storage: 'disk' | 'memory'
  /** Of traced servers: by which processor, while the collector hangs. */
  readonly telemetry?: Contender
  /** What stood between the clients and the server, if anything did. */
  readonly front?: string
  readonly results: readonly FloodResult[]
}

/** What v1 allows, which counts sockets apart. */
export function passedLimit({ peakBytes, cage }: Survival): boolean {
  return peakBytes > cage.limitBytes
}

export function survived(result: FloodResult): boolean {
  return result.ending.kind === 'alive' && result.answered === result.requests
}
