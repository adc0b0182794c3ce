/** How one request ended for the client. */
export interface Outcome {
  /** The status; the error's code where none was read; what is wrong with an answer that is wrong. */
  readonly status: string
  /** 200 or 201 with all of the body, each byte as expected. */
  readonly answered: boolean
  /** Payload in either direction. */
  readonly bytes: number
  readonly latencyMs: number
  /** Where the server says it has put what was uploaded; else where the request went. */
  readonly location: string
}

export interface Tally {
  requests: number
  answered: number
  settled: number
  bytes: number
  readonly byStatus: Record<string, number>
  /** Of those answered. */
  readonly latenciesMs: number[]
}

export function emptyTally(requests: number): Tally {
  return { requests, answered: 0, settled: 0, bytes: 0, byStatus: {}, latenciesMs: [] }
}

export function count(tally: Tally, outcome: Outcome): void {
  tally.settled++
  tally.byStatus[outcome.status] = (tally.byStatus[outcome.status] ?? 0) + 1
  if (!outcome.answered) return
  tally.answered++
  tally.bytes += outcome.bytes
  tally.latenciesMs.push(outcome.latencyMs)
}
