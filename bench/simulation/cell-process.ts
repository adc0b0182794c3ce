import type { Asked } from './cells.ts'
import { simulate } from './simulate.ts'
import { type CellResult, resultOf } from './simulation-result.ts'
import type { Mix, meansOf } from './sizes.ts'
import { world } from './world.ts'

/** Some of the cells, in a process of their own: nothing is measured here but what is simulated. */
const { cells, means } = JSON.parse(process.argv[2] as string) as {
  readonly cells: readonly Asked[]
  readonly means: Record<Mix, ReturnType<typeof meansOf>>
}
const results: CellResult[] = []
for (const { question, ...cell } of cells) {
  const began = performance.now()
  const tally = simulate(cell, means[cell.mix].bytes)
  results.push(resultOf(cell, question, tally, world.bytesPerSecond))
  const took = ((performance.now() - began) / 1000).toFixed(1)
  console.error(
    `simulation: ${cell.policy}, ${cell.pods} pods, ${cell.proxies} proxies, ${cell.mix}: ${took} s`,
  )
}
process.send?.(results)
