import type { Request } from './request.ts'

/** How a proxy chooses among its pods. It sees what it has sent itself, and what it was told. */
export interface Balancer {
  /** A pod for a request; -1 where all are full, so that it waits in the proxy. */
  readonly choose: (request: Request) => number
  /** Whether this pod takes one more, of those that wait in the proxy. */
  readonly takes: (pod: number, request: Request) => boolean
  /** A request goes to a pod. */
  readonly sent: (request: Request) => void
  /** A request has left its pod, however it ended. */
  readonly left: (request: Request) => void
  /** A pod has died, or is back. */
  readonly changed: (pod: number, up: boolean) => void
  /** The pod's agent was asked. */
  readonly told: (pod: number, reading: Reading) => void
}

/** What an agent says: it is old by the time that it is used. */
export interface Reading {
  readonly freeBytes: number
  /** From 1 to 100. */
  readonly weight: number
  /** For one of as many proxies as there are. */
  readonly maxconn: number
}
