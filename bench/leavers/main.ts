import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { cac } from 'cac'
import Table from 'cli-table3'
import { type Machine, machineLine, thisMachine } from '../machine.ts'
import { plainTable } from '../plain-table.ts'
import { resultsFolder } from '../results-folder.ts'
import { runCommand } from '../run-command.ts'
import { Random } from '../soak/random.ts'
import { leave, startSuppliers } from './leave.ts'
import type { Look } from './look.ts'

const MOST_GROWTH = 1.1
/** Long enough for what was forgotten to begin. */
const LATER_MS = 2000

interface Options {
  readonly clients: number
  readonly atOnce: number
  readonly seed: number
  readonly commitResults?: boolean
  readonly out?: string
}

/** A run of the bench as leavers.json keeps it. */
interface LeaversRun {
  readonly measuredAt: string
  readonly machine: Machine
  readonly clients: number
  readonly before: Look
  readonly after: Look
  readonly later: Look
  /** Whether somebody who stays is served at the end: no place is taken by those who have left. */
  readonly served: boolean
}

const cli = cac('leavers')
cli
  .command('', 'What is left of requests whose clients leave at once?')
  .option('--clients <n>', 'That come and leave', { default: 10_000 })
  .option('--at-once <n>', 'So many at once', { default: 100 })
  .option('--seed <n>', 'Of how long they stay', { default: 1 })
  .option('--commit-results', 'Write to bench/results, which git keeps, instead of bench/results/latest')
  .option('--out <folder>', 'Write there')
  .action(measure)
await runCommand(cli)

async function measure({ clients, atOnce, seed, ...options }: Options): Promise<void> {
  const machine = thisMachine()
  console.log(machineLine(machine))
  const suppliers = await startSuppliers()
  const server = fork(fileURLToPath(new URL('./server-process.ts', import.meta.url)), [suppliers.url], {
    execArgv: ['--import', import.meta.resolve('tsx'), '--expose-gc'],
  })
  try {
    const [{ port }] = (await once(server, 'message')) as [{ port: number }]
    const random = new Random(seed)
    // As many as fill all caches and compile all code.
    await leave(port, clients / 4, atOnce, random)
    const before = await lookWhenOver(server)
    console.error(`leavers: ${clients} come and leave`)
    await leave(port, clients, atOnce, random)
    const after = await lookWhenOver(server)
    await sleep(LATER_MS)
    const later = await lookAt(server)
    const served = (await fetch(`http://127.0.0.1:${port}/at-once`)).status === 200
    const run = { measuredAt: new Date().toISOString(), machine, clients, before, after, later, served }
    tell(run)
    const folder = resultsFolder(options)
    mkdirSync(folder, { recursive: true })
    const file = join(folder, 'leavers.json')
    writeFileSync(file, `${JSON.stringify(run, undefined, 2)}\n`)
    console.log(`Figures: ${relative('', file)}`)
  } finally {
    server.kill('SIGKILL')
    suppliers.close()
  }
}

/** Once the server has come to the last of them: who left has been accepted by the kernel, and not yet by it. */
async function lookWhenOver(server: ChildProcess): Promise<Look> {
  for (let last = await lookAt(server); ; ) {
    await sleep(500)
    const look = await lookAt(server)
    if (look.requests === last.requests && look.active === 0 && look.sockets === 0) return look
    last = look
  }
}

async function lookAt(server: ChildProcess): Promise<Look> {
  server.send('look')
  const [look] = (await once(server, 'message')) as [Look]
  return look
}

function tell({ before, after, later, served, clients }: LeaversRun): void {
  const rows: (keyof Look)[] = [
    'requests',
    'tasks',
    'late',
    'sockets',
    'listeners',
    'reservedBytes',
    'active',
    'held',
    'bytes',
  ]
  const table = new Table({
    head: ['', 'before', 'after', `${LATER_MS / 1000} s later`],
    colAligns: ['left', 'right', 'right', 'right'],
    ...plainTable,
  })
  table.push(
    ...rows.map(row => [row, ...[before, after, later].map(look => look[row].toLocaleString('en-US'))]),
  )
  console.log(`\n${table.toString()}\n`)
  console.log(
    `${clients} clients: heapUsed + external is ${(later.bytes / before.bytes).toFixed(3)} of what it was; who stays is ${served ? '' : 'NOT '}served.`,
  )
  const isClean =
    served &&
    later.late === 0 &&
    later.tasks === after.tasks &&
    [later.sockets, later.reservedBytes, later.active, later.held].every(left => left === 0) &&
    later.listeners === before.listeners &&
    later.bytes <= before.bytes * MOST_GROWTH
  if (isClean) return
  console.log('Something is left.')
  process.exitCode = 1
}
