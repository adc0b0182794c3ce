/** Attackers have an address of their own, so that a server which tells clients apart can. */
export const ATTACKER_ADDRESS = '127.0.0.2'

/** One connection of a client that stalls. */
export interface Attempt {
  readonly port: number
  /** Settles it as 'stopped'. */
  readonly stop: AbortSignal
  readonly connected: () => void
}

/** How a socket's failure is counted: which system call noticed a reset is chance. */
export function failure({ code = 'failed' }: NodeJS.ErrnoException): string {
  return code === 'ECONNRESET' || code === 'EPIPE' ? 'reset' : code
}
