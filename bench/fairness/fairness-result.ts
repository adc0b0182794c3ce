import type { MemoryReading } from '../cage/memory-reading.ts'
import type { Survival } from '../flood/flood-result.ts'
import type { Framework } from '../flood/servers.ts'
import type { Machine } from '../machine.ts'
import type { LoadReport } from './load/protocol.ts'
import type { ServerKind } from './servers.ts'

/** One scenario against one server. */
export interface FairnessResult extends Survival {
  readonly scenario: string
  readonly server: ServerKind
  readonly peakOf: MemoryReading | undefined
  readonly load: LoadReport
}

/** A run of the bench as fairness.json keeps it; the table and the picture are made from this alone. */
export interface FairnessRun {
  readonly measuredAt: string
  readonly machine: Machine
  readonly framework: Framework
  readonly budget: string
  readonly results: readonly FairnessResult[]
}
