import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { RefusedMessage } from '@plimsoll/core'

/** Who was refused for want of room, in this process. */
export class RefusedClients {
  readonly #ports = new Set<number>()

  /** Whether the client with this port of its own was. */
  includes(port: number | undefined): boolean {
    return port !== undefined && this.#ports.has(port)
  }

  start(): void {
    subscribe('plimsoll:refused', this.#note)
  }

  stop(): void {
    unsubscribe('plimsoll:refused', this.#note)
  }

  readonly #note = (message: unknown): void => {
    const { request, error } = message as RefusedMessage
    const { remotePort } = request.socket ?? {}
    if (error.code === 'ERR_PLIMSOLL_QUEUE_FULL' && remotePort !== undefined) this.#ports.add(remotePort)
  }
}
