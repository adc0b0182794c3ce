/** Whole numbers below `size`, each with a key that may change: which has the least? All of it is O(log n). */
export class IndexedHeap {
  readonly #keys: Float64Array
  readonly #heap: Int32Array
  /** Where in the heap; -1 for who is not in it. */
  readonly #place: Int32Array
  #length = 0

  constructor(size: number) {
    this.#keys = new Float64Array(size)
    this.#heap = new Int32Array(size)
    this.#place = new Int32Array(size).fill(-1)
  }

  get length(): number {
    return this.#length
  }

  /** Who has the least key; -1 where nobody is. */
  get first(): number {
    return this.#length === 0 ? -1 : (this.#heap[0] as number)
  }

  /** The least key; Infinity where nobody is. */
  get firstKey(): number {
    return this.#length === 0 ? Number.POSITIVE_INFINITY : (this.#keys[this.#heap[0] as number] as number)
  }

  /** Puts somebody in, or gives him another key. */
  set(id: number, key: number): void {
    const place = this.#place[id] as number
    if (place === -1) {
      this.#keys[id] = key
      this.#up(this.#length++, id)
      return
    }
    const before = this.#keys[id] as number
    this.#keys[id] = key
    if (key < before) this.#up(place, id)
    else if (key > before) this.#down(place, id)
  }

  /** Takes somebody out; of no effect where he is not in. */
  delete(id: number): void {
    const place = this.#place[id] as number
    if (place === -1) return
    this.#place[id] = -1
    const last = this.#heap[--this.#length] as number
    if (last === id) return
    // The last one may belong higher than the gap, or lower.
    this.#up(place, last)
    this.#down(this.#place[last] as number, last)
  }

  #up(from: number, id: number): void {
    const key = this.#keys[id] as number
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = this.#heap[parent] as number
      if ((this.#keys[above] as number) <= key) break
      this.#put(place, above)
      place = parent
    }
    this.#put(place, id)
  }

  #down(from: number, id: number): void {
    const key = this.#keys[id] as number
    let place = from
    for (;;) {
      let child = 2 * place + 1
      if (child >= this.#length) break
      const right = child + 1
      if (right < this.#length && this.#keyAt(right) < this.#keyAt(child)) child = right
      if (this.#keyAt(child) >= key) break
      this.#put(place, this.#heap[child] as number)
      place = child
    }
    this.#put(place, id)
  }

  #keyAt(place: number): number {
    return this.#keys[this.#heap[place] as number] as number
  }

  #put(place: number, id: number): void {
    this.#heap[place] = id
    this.#place[id] = place
  }
}
