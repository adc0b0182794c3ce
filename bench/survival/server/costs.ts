import type { RoutePolicy } from '@plimsoll/core'
import { downloadCost, uploadCost } from '../../flood/servers/costs.ts'

const policies = {
  upload: { cost: uploadCost },
  download: { cost: downloadCost },
  // As its documentation has them: chunks and what they are joined to; text and what is parsed from it.
  buffer: { cost: { fixed: '64KiB', perByte: 2.5 } },
  json: { cost: { fixed: '64KiB', perByte: 6 } },
} satisfies Record<string, RoutePolicy>

const isTold = process.argv.includes('--protection=budget')

/** The config of a route. Without options nothing is said of costs either. */
export function costs(of: keyof typeof policies): { plimsoll?: RoutePolicy } {
  return isTold ? { plimsoll: policies[of] } : {}
}
