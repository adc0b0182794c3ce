import { relative } from 'node:path'
import { cac } from 'cac'
import { frameworks } from '../flood/servers.ts'
import { ending, mebibytes } from '../flood/wording.ts'
import { machineLine, thisMachine } from '../machine.ts'
import { named } from '../named.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { runSoak } from './run-soak.ts'
import { writeReport } from './soak-report.ts'
import { isClean, type Look, usedBytes } from './soak-result.ts'

const MiB = 2 ** 20
const LINE_EVERY_MS = 5_000

interface Options {
  readonly framework: string
  readonly seed: number
  readonly seconds: number
  readonly atOnce: number
  readonly budget: string
  readonly limit: number
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('soak')
cli
  .command('', 'What is left after thousands of random clients?')
  .option('--framework <name>', frameworks.join(', '), { default: 'fastify' })
  .option('--seed <n>', 'The same seed, the same clients', { default: 1 })
  .option('--seconds <n>', 'How long clients come', { default: 240 })
  .option('--at-once <n>', 'Clients at once', { default: 96 })
  .option('--budget <size>', 'Of Plimsoll', { default: '64MiB' })
  .option('--limit <MiB>', 'Memory of the container', { default: 512 })
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(soak)
await runCommand(cli)

async function soak(options: Options): Promise<void> {
  const framework = named('--framework', options.framework, frameworks)
  const { seed, seconds, atOnce, budget } = options
  const machine = thisMachine()
  console.log(machineLine(machine))
  console.error(`soak, ${framework}, seed ${seed}: warming up`)
  const limitBytes = options.limit * MiB
  const soaked = await runSoak({ framework, budget, limitBytes, seed, seconds, atOnce }, progress())
  const run = { measuredAt: new Date().toISOString(), machine, framework, budget, seed, ...soaked }
  const picture = writeReport(run, resultsFolder(options))
  const { before, after, byEnding } = soaked
  const endings = Object.entries(byEnding).sort(([, a], [, b]) => b - a)
  console.log(
    `${soaked.clients} clients in ${soaked.seconds.toFixed(0)} s, ${atOnce} at once: ${ending(soaked)}`,
  )
  console.log(`ended with: ${endings.map(([what, count]) => `${count} × ${what}`).join(', ')}`)
  console.log(
    `reserved ${after.reservedBytes} bytes, waiting ${after.waiting}, peak ${mebibytes(soaked.peakBytes)}`,
  )
  const ratio = usedBytes(after) / usedBytes(before)
  console.log(
    `heapUsed + external after gc(): ${fine(usedBytes(before))} before, ${fine(usedBytes(after))} after, ratio ${ratio.toFixed(2)}`,
  )
  console.log(`Picture: ${relative('', picture)}`)
  if (isClean(soaked)) return
  console.log('FAILED: something is left')
  process.exitCode = 1
}

function progress(): (look: Look) => void {
  let writtenMs = 0
  return ({ atSeconds, containerBytes, reservedBytes, waiting }) => {
    if (performance.now() - writtenMs < LINE_EVERY_MS) return
    writtenMs = performance.now()
    const memory = `${mebibytes(containerBytes)}, reserved ${mebibytes(reservedBytes)}, ${waiting} waiting`
    console.error(`soak: ${memory}, ${atSeconds.toFixed(0)} s`)
  }
}

function fine(bytes: number): string {
  return `${(bytes / MiB).toFixed(1)} MiB`
}
