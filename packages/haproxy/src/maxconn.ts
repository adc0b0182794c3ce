/** What HAProxy's limits follow from. */
export interface Behind {
  /** Bytes of the budget of each process. */
  readonly budget: number
  /** Bytes that a request holds while it is under way, on average. */
  readonly requestBytes: number
  /** Bytes of the largest requests to count with. */
  readonly largestBytes: number
  /** Requests at once that each process is to work on at most. Default: as many as fit. */
  readonly concurrency?: number
  /** How many requests may wait in each process. */
  readonly queueLimit: number
  /** Connections that each process takes. */
  readonly connections: number
  /** Processes behind one `server` line. */
  readonly workers: number
}

/**
 * `maxconn` of one `server`. HAProxy counts requests and not bytes: so it is as many as the budget holds on average, and
 * the rest waits where it costs no memory of the server. No more than can wait there if all of them are large, else
 * some would be refused; nor than are let connect.
 */
export function maxconn(behind: Behind): number {
  const { budget, requestBytes, largestBytes, queueLimit, connections, workers } = behind
  const { concurrency = Number.POSITIVE_INFINITY } = behind
  const fit = Math.max(1, Math.floor(budget / requestBytes))
  const kept = Math.max(1, Math.floor(budget / largestBytes)) + queueLimit
  return workers * Math.min(fit, kept, connections, concurrency)
}
