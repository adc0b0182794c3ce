import { Admission, type AdmissionOptions } from './admission.ts'
import type { Request } from './request.ts'
import { SharedService } from './shared-service.ts'

export interface PodOptions {
  /** What it serves in a second, for all together. */
  readonly bytesPerSecond: number
  /** What a client's link carries. */
  readonly linkBytesPerSecond: number
  /** What it may hold of bodies: a byte more, and the kernel kills it. */
  readonly roomBytes: number
  /** What somebody takes who waits in it. */
  readonly waiterBytes: number
  /** Undefined: whoever comes is served at once. */
  readonly budget: AdmissionOptions | undefined
}

/** What has become of a request that was sent to a pod. */
export type Entered = 'served' | 'waits' | 'refused' | 'killed'

/** A server in a container. A body is in its memory from its admission until it was served. */
export class Pod {
  readonly admission: Admission | undefined
  up = true
  /** The most it has held. */
  peakBytes = 0
  readonly #options: PodOptions
  readonly #service: SharedService<Request>
  #ungoverned = 0

  constructor(options: PodOptions) {
    this.#options = options
    this.admission = options.budget && new Admission(options.budget)
    this.#service = new SharedService(options.bytesPerSecond, options.linkBytesPerSecond)
  }

  get heldBytes(): number {
    const { admission } = this
    return admission === undefined
      ? this.#ungoverned
      : admission.reserved + admission.waiting * this.#options.waiterBytes
  }

  /** How many are served or wait in it. */
  get inside(): number {
    return this.#service.size + (this.admission?.waiting ?? 0)
  }

  get nextAt(): number {
    return this.#service.nextAt
  }

  enter(request: Request, now: number): Entered {
    const entered = this.admission?.enter(request) ?? 'admitted'
    if (entered === 'refused') return entered
    if (this.admission === undefined) this.#ungoverned += request.bytes
    if (entered === 'admitted') this.#service.add(request, request.bytes, now)
    const { heldBytes } = this
    this.peakBytes = Math.max(this.peakBytes, heldBytes)
    if (heldBytes > this.#options.roomBytes) return 'killed'
    return entered === 'admitted' ? 'served' : 'waits'
  }

  /** Whoever was served at `nextAt`. His bytes are free by now, and others may go on: see `grant`. */
  finish(now: number): Request {
    const request = this.#service.finish(now)
    if (this.admission === undefined) this.#ungoverned -= request.bytes
    else this.admission.release(request)
    return request
  }

  /** The next of those who wait in it and may go on. */
  grant(now: number): Request | undefined {
    const granted = this.admission?.next()
    if (granted === undefined) return undefined
    this.#service.add(granted, granted.bytes, now)
    this.peakBytes = Math.max(this.peakBytes, this.heldBytes)
    return granted
  }

  /** All that it holds is lost. */
  kill(now: number): Request[] {
    this.up = false
    this.#ungoverned = 0
    const lost = this.#service.clear(now)
    for (const request of lost) this.admission?.release(request)
    return lost
  }
}
