import Table from 'cli-table3'
import { plainTable } from '../plain-table.ts'
import { type Spread, spreadOf } from '../statistics.ts'
import {
  LOOKS_PER_SECOND,
  OLDEST_MS,
  partOfCpu,
  type RecorderRun,
  SAMPLES_PER_SECOND,
} from './recorder-result.ts'

export function recorderTable({ look, sample, report, kills }: RecorderRun): string {
  const costs = new Table({
    head: ['', 'CPU µs each', 'a second', '% of a core'],
    colAligns: ['left', 'right', 'right', 'right'],
    ...plainTable,
  })
  costs.push(costRow('a look of the valve', look, LOOKS_PER_SECOND))
  costs.push(costRow('a sample of the recorder', sample, SAMPLES_PER_SECOND))
  const ages = spreadOf(kills.map(({ ageMs }) => ageMs))
  const fresh = kills.filter(({ ageMs }) => ageMs <= OLDEST_MS).length
  const loaded = kills.filter(({ reservedBytes, waiting }) => reservedBytes > 0 && waiting > 0).length
  return [
    costs.toString(),
    'median (lowest to highest)',
    '',
    `of the CPU of a node:http hello server, requests are measured for the report with ${percent(report.enforce)}, ` +
      `with ${percent(report.observe)} while it observes`,
    '',
    `killed under load: the last sample was at most ${OLDEST_MS / 1000} s old in ${fresh} of ${kills.length}, ` +
      `median ${ages.median.toFixed(0)} ms, oldest ${ages.highest.toFixed(0)} ms; ` +
      `${loaded} of them show bytes reserved and requests waiting`,
  ].join('\n')
}

function costRow(name: string, cost: Spread, perSecond: number): string[] {
  const { median, lowest, highest } = cost
  return [
    name,
    `${median.toFixed(1)} (${lowest.toFixed(1)} to ${highest.toFixed(1)})`,
    String(perSecond),
    partOfCpu(median, perSecond).toFixed(3),
  ]
}

function percent({ median, lowest, highest }: Spread): string {
  const [middle, least, most] = [median, lowest, highest].map(part => (100 * part).toFixed(2))
  return `${middle} % (${least} to ${most})`
}
