import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cac } from 'cac'
import { cageFigures, openCage } from '../cage/cage.ts'
import { machineLine, thisMachine } from '../machine.ts'
import { measureInProcess } from '../measuring-process.ts'
import type { InFront } from '../overhead/in-front.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { type Spread, spreadOf } from '../statistics.ts'
import { type Killed, killUnderLoad } from './kill-under-load.ts'
import type { Costs } from './measure-costs.ts'
import { OLDEST_MS, type RecorderRun } from './recorder-result.ts'
import { recorderTable } from './recorder-table.ts'

const MiB = 2 ** 20
const PROFILES = 7

interface Options {
  readonly kills: number
  readonly commitResults?: boolean
  readonly out?: string
}

const cli = cac('recorder')
cli
  .command('', 'What do the report, the recorder and the valve cost, and what is left after a SIGKILL?')
  .option('--kills <n>', 'Servers that are killed', { default: 20 })
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(record)
await runCommand(cli)

async function record(options: Options): Promise<void> {
  const machine = thisMachine()
  console.log(machineLine(machine))
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-recorder-'))
  const cage = openCage(512 * MiB)
  try {
    console.error('recorder: costs')
    const { look, sample } = measureCosts(command => cage.enclose(command), folder)
    const report = { enforce: await reportShare('plimsoll'), observe: await reportShare('observing') }
    const kills: Killed[] = []
    for (let kill = 0; kill < options.kills; kill++) {
      console.error(`recorder: kill ${kill + 1} of ${options.kills}`)
      // Anywhere between two samples.
      kills.push(await killUnderLoad(join(folder, 'flight'), 2000 + (kill * 1000) / options.kills))
    }
    const measuredAt = new Date().toISOString()
    const costs = { look: spreadOf(look), sample: spreadOf(sample) }
    const run: RecorderRun = { measuredAt, machine, cage: cageFigures(cage), ...costs, report, kills }
    console.log(`\n${recorderTable(run)}\n`)
    const results = resultsFolder(options)
    mkdirSync(results, { recursive: true })
    const file = join(results, 'recorder.json')
    writeFileSync(file, `${JSON.stringify(run, undefined, 2)}\n`)
    console.log(`Figures: ${relative('', file)}`)
    if (kills.some(({ ageMs }) => ageMs > OLDEST_MS)) process.exitCode = 1
  } finally {
    cage.remove()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** In a cage, where the files of a cgroup are read, as in a container. */
function measureCosts(enclose: (command: string[]) => string[], folder: string): Costs {
  const module = fileURLToPath(new URL('./measure-costs.ts', import.meta.url))
  const command = [process.execPath, '--import', import.meta.resolve('tsx'), module, folder]
  const [file = '', ...args] = enclose(command)
  return JSON.parse(execFileSync(file, args, { encoding: 'utf8' }))
}

/** In fresh processes, since each compiles in its own way. */
async function reportShare(inFront: InFront): Promise<Spread> {
  const shares: number[] = []
  for (let round = 0; round < PROFILES; round++) {
    console.error(`recorder: report, ${inFront}, ${round + 1} of ${PROFILES}`)
    shares.push(await measureInProcess<number>(new URL('./report-share.ts', import.meta.url), [inFront]))
  }
  return spreadOf(shares)
}
