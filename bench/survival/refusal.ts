/** What a client can act on: come back later, or send less. Without `Retry-After` a 503 tells nobody when. */
const CLEAN = new Set(['503', '429', '413', '408', '411', '415'])
/** Which system call has noticed a reset is chance. */
const RESETS = new Set(['ECONNRESET', 'EPIPE', 'ECONNREFUSED'])

/** Whether whoever has read it is to come again: a 503 or 429 that says when. */
export function isRefusal(status: string): boolean {
  return status === '503' || status === '429'
}

/** How requests ended that were not answered. */
export interface Unanswered {
  /** Read a status that says what is wrong. */
  readonly refused: number
  readonly resets: number
  /** Nothing that helps: another status, a wrong answer, or none until the end. */
  readonly others: number
}

/** @param byStatus of all that were sent, answered ones too */
export function unansweredOf(byStatus: Readonly<Record<string, number>>): Unanswered {
  const found = { refused: 0, resets: 0, others: 0 }
  for (const [status, count] of Object.entries(byStatus)) {
    if (status === '200' || status === '201') continue
    if (CLEAN.has(status)) found.refused += count
    else if (RESETS.has(status)) found.resets += count
    else found.others += count
  }
  return found
}
