import type { GovernorReport, LinearCost } from '@plimsoll/core'
import * as v from 'valibot'
import { CommandError } from './command-error.ts'
import { printable } from './wording.ts'

const figure = v.pipe(v.number(), v.finite(), v.minValue(0))
const whole = v.pipe(figure, v.safeInteger())
const mode = v.picklist(['enforce', 'observe'])
const spread = v.object({ p50: figure, p99: figure, max: figure })
const text = v.pipe(v.string(), v.transform(printable))
const evidence = v.object({
  requests: whole,
  percentile: v.pipe(figure, v.maxValue(100)),
  confidence: v.pipe(figure, v.maxValue(1)),
})
const cost: v.GenericSchema<LinearCost> = v.object({ fixed: figure, perByte: figure })

const route = v.object({
  route: text,
  requests: whole,
  declaredBytes: spread,
  readBytes: spread,
  reservedBytes: spread,
  bufferedBytes: spread,
  heldMs: spread,
  queued: whole,
  waitedMs: spread,
  // By codes, of which a newer governor may have more.
  refused: v.record(text, whole),
  recommended: v.object({ cost, evidence, because: text }),
})

/** What `governor.report()` returns, as far as it is printed. Fields of a newer one are passed over. */
const report = v.object({
  at: v.pipe(v.string(), v.isoTimestamp()),
  forMs: figure,
  mode,
  budget: figure,
  demandBytes: spread,
  memory: v.object({
    limit: v.object({ bytes: whole, source: v.picklist(['cgroup v2', 'cgroup v1', 'machine']) }),
    idleBytes: whole,
    residentBytes: whole,
  }),
  routes: v.array(route),
  recommended: v.object({ bytes: figure, evidence, because: text }),
})

/**
 * A report from its JSON.
 *
 * @param source where it is from, for the error
 * @throws CommandError saying which field is wrong
 */
export function parseReport(json: string, source: string): GovernorReport {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    const start =
      json.trim() === '' ? 'it is empty' : `it starts with "${printable(json.trim().slice(0, 40))}"`
    throw new CommandError(`${source} is no JSON: ${start}`)
  }
  const no = `${source} has no report, as governor.report() makes it`
  // An array has an `at`, too.
  if (Array.isArray(value)) throw new CommandError(`${no}: it is an array`)
  const { success, output, issues } = v.safeParse(report, value, { abortEarly: true })
  if (success) return output
  const [issue] = issues
  throw new CommandError(`${no}: ${fieldOf(v.getDotPath(issue))}: ${issue.message}`)
}

function fieldOf(path: string | null): string {
  return path === null ? 'all of it' : `field "${path}"`
}
