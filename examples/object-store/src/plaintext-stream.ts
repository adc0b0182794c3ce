import { Readable } from 'node:stream'
import type { FrameCipher } from './frame-cipher.ts'
import { frameCount, type SealedFrame } from './frame-layout.ts'
import type { LiveFrames } from './live-frames.ts'
import type { StoredObject } from './storage.ts'

/**
 * An object's plaintext, frame by frame, each authenticated whole before a byte of it is sent. Takes over
 * the object and closes it, however the stream ends.
 *
 * An async generator in `Readable.from()` reads nicer and holds two frames more: a suspended generator keeps
 * its last value reachable while it makes the next (V8), and `from()` fetches one ahead into a paused pipe.
 */
export class PlaintextStream extends Readable {
  readonly #object: StoredObject
  readonly #cipher: FrameCipher
  readonly #liveFrames: LiveFrames
  #next = 0
  #live = 0

  constructor(object: StoredObject, cipher: FrameCipher, liveFrames: LiveFrames) {
    super({ highWaterMark: 0 })
    this.#object = object
    this.#cipher = cipher
    this.#liveFrames = liveFrames
  }

  // Called for the first frame, and then when the response has drained and with it the frame before.
  override _read(): void {
    this.#leave()
    if (this.#next === frameCount(this.#object.header.bytes)) {
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
    const plaintext = this.#cipher.open(this.#next++, sealed)
    this.#live = 1
    this.#liveFrames.enter(1)
    // An empty object has an empty frame, and pushing no bytes would not ask for more.
    this.push(plaintext.length > 0 ? plaintext : null)
  }

  #leave(): void {
    this.#liveFrames.leave(this.#live)
    this.#live = 0
  }
}
