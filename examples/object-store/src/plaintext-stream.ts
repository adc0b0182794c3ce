import { Readable } from 'node:stream'
import type { FrameCipher } from './frame-cipher.ts'
import { FRAME_BYTES, type SealedFrame } from './frame-layout.ts'
import type { LiveFrames } from './live-frames.ts'
import type { StoredObject } from './storage.ts'

/**
 * An object's plaintext or a part of it, frame by frame, each authenticated whole before a byte of it is sent.
 * Takes over the object and closes it, however the stream ends.
 *
 * An async generator in `Readable.from()` reads nicer and holds two frames more: a suspended generator keeps
 * its last value reachable while it makes the next (V8), and `from()` fetches one ahead into a paused pipe.
 */
export class PlaintextStream extends Readable {
  readonly #object: StoredObject
  readonly #cipher: FrameCipher
  readonly #liveFrames: LiveFrames
  readonly #start: number
  readonly #end: number
  #next: number
  #live = 0

  /** @param range bytes from `start` up to and without `end`; default: all */
  constructor(
    object: StoredObject,
    cipher: FrameCipher,
    liveFrames: LiveFrames,
    { start, end }: { readonly start: number; readonly end: number } = { start: 0, end: object.header.bytes },
  ) {
    super({ highWaterMark: 0 })
    this.#start = start
    this.#end = end
    this.#next = Math.floor(start / FRAME_BYTES)
    this.#object = object
    this.#cipher = cipher
    this.#liveFrames = liveFrames
  }

  // Called for the first frame, and then when the response has drained and with it the frame before.
  override _read(): void {
    this.#leave()
    // An empty object has a frame too, the first, whose emptiness is authenticated.
    if (this.#next > 0 && this.#next * FRAME_BYTES >= this.#end) {
      this.push(null)
      return
    }
    this.#object
      .readFrame(this.#next)
      .then(sealed => this.#open(sealed))
      .catch(error => this.destroy(error))
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#leave()
    // A file waits with its closing for the read that is under way.
    this.#object.close().then(() => callback(error), callback)
  }

  #open(sealed: SealedFrame): void {
    if (this.destroyed) return
    const frameStart = this.#next * FRAME_BYTES
    const frame = this.#cipher.open(this.#next++, sealed)
    const plaintext = frame.subarray(Math.max(0, this.#start - frameStart), this.#end - frameStart)
    this.#live = 1
    this.#liveFrames.enter(1)
    // Pushing no bytes would not ask for more.
    this.push(plaintext.length > 0 ? plaintext : null)
  }

  #leave(): void {
    this.#liveFrames.leave(this.#live)
    this.#live = 0
  }
}
