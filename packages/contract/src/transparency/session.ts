import type fc from 'fast-check'
import type { Answer } from './answers.ts'

/** What a client does on one connection, whatever that speaks. */
export interface Session {
  /** Requests as they were meant; a server may see others. */
  readonly requests: number
  /** The numbers of those that were sent before the one before them was answered, where answers come in their order. */
  readonly pipelined: readonly number[]
  /** For the reader of a counterexample. */
  readonly says: readonly string[]
}

/** What a client has seen of a connection. */
export interface Transcript {
  readonly answers: readonly Answer[]
  /** `'open'`: it had to close it itself. */
  readonly end: 'closed by the server' | 'reset by the server' | 'open'
}

export interface Played {
  readonly transcript: Transcript
  /** The client's. */
  readonly port: number
}

/** What clients and servers speak. */
export interface Protocol<S extends Session> {
  /** @param paths what the server has routes for */
  generated(paths: readonly string[]): fc.Arbitrary<S>
  /** @param patienceMs how long nothing has to come until nothing more is expected */
  play(session: S, port: number, patienceMs: number): Promise<Played>
}
