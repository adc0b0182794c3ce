/**
 * Counts frames of plaintext that are alive: of an upload every frame of its body from the handler's start
 * until the object is stored; of a download a frame from its decryption until the response has taken it and
 * asks for the next, which is when the socket has handed it on to the kernel.
 *
 * A frame shorter than 8 MiB counts as one. Not counted: bodies that are still coming in, ciphertext, and
 * what is dead but not yet collected.
 */
export class LiveFrames {
  #current = 0
  #peak = 0

  get current(): number {
    return this.#current
  }

  get peak(): number {
    return this.#peak
  }

  enter(frames: number): void {
    this.#current += frames
    this.#peak = Math.max(this.#peak, this.#current)
  }

  leave(frames: number): void {
    this.#current -= frames
  }
}
