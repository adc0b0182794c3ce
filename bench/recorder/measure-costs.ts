import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { ByteBudget } from '../../packages/core/src/byte-budget.ts'
import { FlightRecorder } from '../../packages/core/src/flight-recorder.ts'
import { Governor } from '../../packages/core/src/governor.ts'
import { Looks } from '../../packages/core/src/looks.ts'
import { Valve } from '../../packages/core/src/valve.ts'

/** CPU microseconds of one, a figure for each round. */
export interface Costs {
  readonly look: number[]
  readonly sample: number[]
}

const ROUNDS = 9
const TIMES = 5_000

const [folder = ''] = process.argv.slice(2)
const logger = { info() {}, warn() {}, error() {} }
const budget = new ByteBudget({ capacity: '64MiB' })
const looks = new Looks(budget)
looks.valve = new Valve(budget, logger)
const governor = new Governor({ budget: '64MiB', logger })
const file = join(folder, 'costs')
const recorder = new FlightRecorder({ file, everyMs: 2 ** 31 - 1 }, () => governor.stats(), logger)

const costs: Costs = { look: [], sample: [] }
// One round to compile, which is thrown away.
for (let round = -1; round < ROUNDS; round++) {
  const look = cpuMicroseconds(() => {
    // With the timer that each look sets.
    looks.wake()
    looks.rest()
  })
  const sample = cpuMicroseconds(() => recorder.sample())
  if (round < 0) continue
  costs.look.push(look)
  costs.sample.push(sample)
}
recorder.close()
rmSync(file)
console.log(JSON.stringify(costs))

/** Of all threads, in user and system: a read of a cgroup's file is the kernel's work. */
function cpuMicroseconds(act: () => void): number {
  const before = process.cpuUsage()
  for (let n = 0; n < TIMES; n++) act()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / TIMES
}
