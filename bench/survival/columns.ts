/** What stands between the loads and the same server on Fastify, in the order of the matrix. */
export const columns = {
  unlimited: { name: 'nothing, memory without limit', short: 'no limit' },
  nothing: { name: 'nothing', short: 'nothing' },
  'under-pressure': { name: '@fastify/under-pressure', short: 'under-pressure' },
  'overload-protection': { name: 'overload-protection', short: 'overload-protection' },
  'p-limit': { name: 'p-limit, 8 at once', short: 'p-limit' },
  semaphore: { name: 'byte semaphore, 64 MiB by Content-Length', short: 'byte semaphore' },
  haproxy: { name: 'HAProxy, tuned by hand for the row', short: 'HAProxy by hand' },
  budget: { name: 'Plimsoll, budget 64 MiB', short: 'Plimsoll 64 MiB' },
  default: { name: 'Plimsoll, no options', short: 'Plimsoll' },
} as const

export type Column = keyof typeof columns

/** What all others are measured against: the same server without a limit on its memory, so nobody's cell. */
export const REFERENCE: Column = 'unlimited'

export const columnNames = Object.keys(columns) as Column[]
export const contenders = columnNames.filter(column => column !== REFERENCE)

/** Whom something is asked of. The others are there to compare with. */
export function isPlimsoll(column: Column): boolean {
  return column === 'budget' || column === 'default'
}
