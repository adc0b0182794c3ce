import type { CageFigures } from '../cage/cage.ts'
import type { FloodEnding } from '../flood/flood-result.ts'
import type { Framework } from '../flood/servers.ts'
import type { Machine } from '../machine.ts'
import { median, type Spread, spreadOf } from '../statistics.ts'
import { fitLine } from './fit-line.ts'

/** So many bodies of one length, all in memory at one moment. */
export interface Load {
  readonly bytes: number
  readonly atOnce: number
}

export interface Measured extends Load {
  readonly answered: number
  readonly ending: FloodEnding
  /** Anonymous memory over that of the idle server. */
  readonly peakBytes: number
}

/** One kind of body behind one framework: what each run measured. */
export interface FootprintResult {
  readonly framework: Framework
  readonly kind: string
  readonly idleBytes: number
  readonly runs: readonly (readonly Measured[])[]
  /** Where it was measured in another run than those beside it. */
  readonly later?: { readonly measuredAt: string; readonly machine: Machine }
}

/** A run of the bench as footprint.json keeps it; table and picture are made from this alone. */
export interface FootprintRun {
  readonly measuredAt: string
  readonly machine: Machine
  readonly cage: CageFigures
  readonly results: readonly FootprintResult[]
}

/** What grows with the length of the bodies, and what does not. */
export interface Footprint {
  /** Bodies at once. */
  readonly atOnce: number
  /** Bytes of memory for each byte declared, in each run. */
  readonly perByte: Spread
  /** What came on top, however long they were: garbage that V8 has let float. */
  readonly floatBytes: number
}

/** More bodies at once than this are there to see what each costs, whatever its length. */
const CROWD = 64

/** By how many came at once, where bodies of several lengths were measured. */
export function footprints({ runs }: FootprintResult): Footprint[] {
  const atOnce = new Set(runs.flatMap(run => run.filter(isServed).map(load => load.atOnce)))
  return [...atOnce].flatMap(many => {
    const lines = runs.map(run =>
      fitLine(
        run
          .filter(isServed)
          .filter(load => load.atOnce === many)
          .map(point),
      ),
    )
    if (many >= CROWD || lines.some(line => Number.isNaN(line.slope))) return []
    return {
      atOnce: many,
      perByte: spreadOf(lines.map(({ slope }) => slope)),
      floatBytes: median(lines.map(({ intercept }) => intercept)),
    }
  })
}

/** The larger one, whether one came at a time or several did: a budget has to hold for both. */
export function perByte(result: FootprintResult): number {
  return Math.max(...footprints(result).map(footprint => footprint.perByte.median))
}

/** What one of many small ones takes; undefined where there was no crowd. */
export function perRequest({ runs }: FootprintResult): number | undefined {
  const each = runs.flatMap(run =>
    run.filter(load => load.atOnce >= CROWD).map(load => load.peakBytes / load.atOnce - load.bytes),
  )
  return each.length > 0 ? median(each) : undefined
}

/** The median of the runs, load by load. */
export function typicalPeaks({ runs }: FootprintResult): (Load & { peakBytes: number })[] {
  return (runs[0] ?? []).map(({ bytes, atOnce }, index) => ({
    bytes,
    atOnce,
    peakBytes: median(runs.flatMap(run => run[index]?.peakBytes ?? [])),
  }))
}

function isServed({ answered, atOnce }: Measured): boolean {
  return answered === atOnce
}

function point({ bytes, atOnce, peakBytes }: Measured): readonly [number, number] {
  return [bytes * atOnce, peakBytes]
}
