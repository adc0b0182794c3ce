import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import {
  type AdmittedMessage,
  type Governor,
  type HttpRequest,
  type ReleasedMessage,
  reservationOf,
} from '@plimsoll/core'

interface OpenRequest {
  readonly response: AdmittedMessage['response']
  readonly since: number
}

/** The requests of one governor that were admitted and are not released, the oldest first. */
export class OpenRequests {
  readonly #governor: Governor
  readonly #onAdmitted: (message: AdmittedMessage) => void
  readonly #open = new Map<HttpRequest, OpenRequest>()

  /** @param onAdmitted told of each request that is admitted */
  constructor(governor: Governor, onAdmitted: (message: AdmittedMessage) => void) {
    this.#governor = governor
    this.#onAdmitted = onAdmitted
    subscribe('plimsoll:admitted', this.#admitted)
    subscribe('plimsoll:released', this.#released)
  }

  /** How long the oldest has been there, in seconds; 0 where there is none. */
  get oldestAgeSeconds(): number {
    const [oldest] = this.#open.values()
    return oldest === undefined ? 0 : (performance.now() - oldest.since) / 1000
  }

  /** Bytes of those whose response is over: work that they hold goes on. Looks at each. */
  get bytesAfterResponse(): number {
    let bytes = 0
    for (const [request, { response }] of this.#open)
      if (isOver(response)) bytes += reservationOf(request).bytes
    return bytes
  }

  close(): void {
    unsubscribe('plimsoll:admitted', this.#admitted)
    unsubscribe('plimsoll:released', this.#released)
    this.#open.clear()
  }

  readonly #admitted = (message: unknown): void => {
    const admitted = message as AdmittedMessage
    if (admitted.governor !== this.#governor) return
    this.#open.set(admitted.request, { response: admitted.response, since: performance.now() })
    this.#onAdmitted(admitted)
  }

  readonly #released = (message: unknown): void => {
    this.#open.delete((message as ReleasedMessage).request)
  }
}

function isOver(response: ServerResponse | Http2ServerResponse): boolean {
  return 'stream' in response ? response.stream.closed : response.writableFinished || response.destroyed
}
