/** What servers do, each harmless by itself. */
export const FAULTS = [
  /** Asks for whole offers, of which it wants the price. No guard can see that. */
  'useless-data',
  /** Reads whatever a supplier sends. */
  'no-limit',
  /** A hook calls `done()` twice, and so Fastify runs the handler twice. */
  'runs-twice',
  /** Asks all four suppliers at once, and not one after the other. */
  'four-at-once',
  /** Looks at a status, and leaves the body as it is. */
  'unread-bodies',
  /** Goes on when its client has left, or will not wait any more. */
  'outlives-client',
] as const

export type Fault = (typeof FAULTS)[number]
export type Faults = ReadonlySet<Fault>

/** @throws {TypeError} where there is no such fault */
export function faultsOf(text: string): Faults {
  if (text === 'all') return new Set(FAULTS)
  const names = text.split(',').filter(name => name !== '')
  const unknown = names.find(name => !FAULTS.some(fault => fault === name))
  if (unknown !== undefined)
    throw new TypeError(`--faults are all, or of ${FAULTS.join(', ')}: not ${unknown}`)
  return new Set(names as Fault[])
}
