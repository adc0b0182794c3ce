/**
 * A bandwidth that all share equally, of which none gets more than its own link carries. Who has been here since the same
 * moment has received as much: so it takes one clock of bytes, and each is due when that shows its own.
 */
export class SharedService<T> {
  readonly #bytesPerSecond: number
  readonly #eachPerSecond: number
  /** Bytes that somebody has received who was here from the beginning. */
  #received = 0
  #at = 0
  readonly #heap: { readonly dueBytes: number; readonly item: T }[] = []

  /**
   * @param bytesPerSecond for all together
   * @param eachPerSecond for one, at most
   */
  constructor(bytesPerSecond: number, eachPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond
    this.#eachPerSecond = eachPerSecond
  }

  get size(): number {
    return this.#heap.length
  }

  /** When the next is served, in seconds; Infinity where nobody is here. */
  get nextAt(): number {
    const first = this.#heap[0]
    return first === undefined
      ? Number.POSITIVE_INFINITY
      : this.#at + Math.max(0, first.dueBytes - this.#received) / this.#rate
  }

  add(item: T, bytes: number, now: number): void {
    this.#advance(now)
    const added = { dueBytes: this.#received + bytes, item }
    const heap = this.#heap
    let place = heap.length
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = heap[parent] as typeof added
      if (above.dueBytes <= added.dueBytes) break
      heap[place] = above
      place = parent
    }
    heap[place] = added
  }

  /** Whoever is served at `nextAt`, and leaves. */
  finish(now: number): T {
    this.#advance(now)
    const heap = this.#heap
    const [first] = heap
    const last = heap.pop()
    if (first === undefined || last === undefined) throw new Error('Nobody is here')
    if (heap.length > 0) {
      let place = 0
      for (;;) {
        let child = 2 * place + 1
        if (child >= heap.length) break
        if (child + 1 < heap.length && dueBytes(heap, child + 1) < dueBytes(heap, child)) child++
        if (dueBytes(heap, child) >= last.dueBytes) break
        heap[place] = heap[child] as typeof last
        place = child
      }
      heap[place] = last
    }
    // From 0 again, as small differences get lost in large sums.
    if (heap.length === 0) this.#received = 0
    return first.item
  }

  /** Takes out all. */
  clear(now: number): T[] {
    this.#at = now
    this.#received = 0
    return this.#heap.splice(0).map(({ item }) => item)
  }

  get #rate(): number {
    return Math.min(this.#eachPerSecond, this.#bytesPerSecond / this.#heap.length)
  }

  #advance(now: number): void {
    if (this.#heap.length > 0) this.#received += (now - this.#at) * this.#rate
    this.#at = now
  }
}

function dueBytes(heap: readonly { readonly dueBytes: number }[], place: number): number {
  return heap[place]?.dueBytes as number
}
