/** One connection of a client that stalls. */
export interface Attempt {
  readonly port: number
  /** Whom it comes from. */
  readonly address: string
  /** Settles it as 'stopped'. */
  readonly stop: AbortSignal
  readonly connected: () => void
}

/** An address has some 28,000 ports, fewer while those of closed connections rest. */
const SOCKETS_AN_ADDRESS = 5_000

/**
 * Where the attacker of this number comes from. Attackers have addresses of their own, so that a server which tells
 * clients apart can; as few as there may be, since addresses are what is dear to them.
 */
export function attackerAddress(index: number): string {
  return `127.0.0.${2 + Math.floor(index / SOCKETS_AN_ADDRESS)}`
}

/** Where an honest client of a crowd comes from: no attacker has such an address. At most 250 of them. */
export function honestAddress(index: number): string {
  return `127.0.1.${index + 1}`
}

/** How a socket's failure is counted: which system call noticed a reset is chance. */
export function failure({ code = 'failed' }: NodeJS.ErrnoException): string {
  return code === 'ECONNRESET' || code === 'EPIPE' ? 'reset' : code
}
