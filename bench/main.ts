import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

interface Bench {
  readonly name: string
  readonly asks: string
  /** Not run unless named: it takes minutes. */
  readonly onRequest?: true
  readonly args?: readonly string[]
}

const benches: readonly Bench[] = [
  { name: 'semaphore', asks: 'What does a reservation cost, and a grant from a long queue?' },
  { name: 'hello', asks: 'What does a request cost that needs no memory?' },
  { name: 'flood', asks: 'Who survives a flood in a container of 512 MiB?' },
  {
    name: 'throughput',
    asks: 'How many MB/s does a flood get, with memory to spare?',
    onRequest: true,
    args: ['flood', '--throughput'],
  },
  { name: 'fairness', asks: 'Who is still served beside clients that stall?', onRequest: true },
  { name: 'advice', asks: 'How good is what a report recommends, beside budgets by hand?', onRequest: true },
  { name: 'recorder', asks: 'What is left after a SIGKILL, and what does it cost?', onRequest: true },
  {
    name: 'telemetry',
    asks: 'What do spans keep while the collector is away, and what do they cost?',
    onRequest: true,
  },
  {
    name: 'amplifier',
    asks: 'What do harmless faults make of one load together, and what do guards take away?',
    onRequest: true,
  },
  { name: 'leavers', asks: 'What is left of 10,000 requests whose clients leave at once?', onRequest: true },
  {
    name: 'pods',
    asks: 'What do many pods behind HAProxy gain, and what is lost when they end?',
    onRequest: true,
  },
  { name: 'footprint', asks: 'How much memory does a body take for each byte it declares?', onRequest: true },
  {
    name: 'simulation',
    asks: 'Up to how many pods and proxies does a choice by bytes hold?',
    onRequest: true,
  },
  { name: 'survival', asks: 'Who survives what, of all that people put in front?', onRequest: true },
  { name: 'soak', asks: 'What is left after thousands of random clients?', onRequest: true },
]

/** `npm run bench -- [names] [-- options of the one bench named]` */
const [names, options] = split(process.argv.slice(2))
const unknown = names.filter(name => !benches.some(bench => bench.name === name))
if (unknown.length > 0 || (options.length > 0 && names.length !== 1)) {
  console.error(unknown.length > 0 ? `There is no bench ${unknown.join(', ')}.` : 'Options go to one bench.')
  list()
  process.exit(1)
}
if (names.length === 0) list()
const chosen =
  names.length > 0 ? benches.filter(({ name }) => names.includes(name)) : benches.filter(b => !b.onRequest)
for (const bench of chosen) run(bench)

function split(args: readonly string[]): [names: readonly string[], options: readonly string[]] {
  const first = args.findIndex(arg => arg.startsWith('-'))
  return first === -1 ? [args, []] : [args.slice(0, first), args.slice(first).filter(arg => arg !== '--')]
}

function list(): void {
  for (const { name, asks, onRequest } of benches) {
    console.log(`  ${name.padEnd(11)} ${asks}${onRequest ? ' (only when named)' : ''}`)
  }
}

function run({ name, asks, args: [folder = name, ...own] = [] }: Bench): void {
  console.log(`\n${name}: ${asks}`)
  const module = fileURLToPath(new URL(`./${folder}/main.ts`, import.meta.url))
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', module, ...own, ...options], {
    stdio: 'inherit',
  })
  if (status !== 0) process.exitCode = 1
}
