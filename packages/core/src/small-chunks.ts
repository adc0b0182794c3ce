/** A chunk below this costs more than its bytes by a fifth and up. */
export const SMALL_CHUNK = 1024
/** What a chunk takes beside its bytes: the objects of a Buffer and its memory (measured: 170 to 220 bytes). */
export const CHUNK_OVERHEAD = 200
/** So many small chunks are in the noise of what any request takes. */
const FREE_CHUNKS = 64
/** What is less than one part in as many of a body. */
const SMALL_PART = 16
/** How much is gathered at most. */
const GATHERED = 16 * 1024

/**
 * What so many small chunks of a body take beside its bytes: in steps, so that a budget is not asked for each. Nothing
 * where that is a small part of the body: over HTTP/2 each read of the socket ends in a piece of a frame.
 */
export function overheadOf(smallChunks: number, bodyBytes: number): number {
  if (smallChunks <= FREE_CHUNKS) return 0
  const overhead = Math.ceil(smallChunks / FREE_CHUNKS) * FREE_CHUNKS * CHUNK_OVERHEAD
  return overhead * SMALL_PART > bodyBytes ? overhead : 0
}

/**
 * Makes one chunk of the small ones that arrive together. Node's parser makes a Buffer of each chunk of a chunked
 * body: 10,000 of one byte in one read of the socket, 200 bytes each for whoever collects them. Over HTTP/2 each of
 * them keeps all that was read with it.
 */
export class SmallChunks {
  readonly #gathered = Buffer.allocUnsafeSlow(GATHERED)
  readonly #push: (chunk: Buffer) => unknown
  #length = 0
  #scheduled = false

  /** @param push takes the chunk that was made */
  constructor(push: (chunk: Buffer) => unknown) {
    this.#push = push
  }

  /** Bytes that have not been passed on yet. */
  get length(): number {
    return this.#length
  }

  /** Takes a chunk, to be passed on with its neighbours before the event loop goes on to what closes. */
  add(chunk: Uint8Array): void {
    if (this.#length + chunk.length > GATHERED) this.flush()
    this.#gathered.set(chunk, this.#length)
    this.#length += chunk.length
    if (this.#scheduled) return
    this.#scheduled = true
    // Not the next tick: Node has one after each chunk that its parser finds. A socket's 'close' comes after this.
    setImmediate(this.#onImmediate)
  }

  /** Passes on what there is: the order stays, whatever comes next. */
  flush(): void {
    const length = this.#length
    if (length === 0) return
    this.#length = 0
    // Of its own memory, not a slice of a pool.
    const chunk = Buffer.allocUnsafeSlow(length)
    this.#gathered.copy(chunk, 0, 0, length)
    this.#push(chunk)
  }

  readonly #onImmediate = (): void => {
    this.#scheduled = false
    this.flush()
  }
}
