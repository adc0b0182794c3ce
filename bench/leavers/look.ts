/** What the server sees of itself, once its garbage is collected. */
export interface Look {
  /** Handlers that were run: who has gone before that is never seen. */
  readonly requests: number
  /** Tasks that were begun. */
  readonly tasks: number
  /** Of those, begun when their client was gone already. */
  readonly late: number
  /** `heapUsed + external`. */
  readonly bytes: number
  /** Open ones, of clients and to suppliers. */
  readonly sockets: number
  /** On the server, and on a signal that lives as long as the process. */
  readonly listeners: number
  readonly reservedBytes: number
  readonly active: number
  /** Pieces of held work. */
  readonly held: number
}
