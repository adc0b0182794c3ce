/** What stands in a list. It carries its own links, and so stands in one list at a time. */
export interface Linked<T> {
  before: T | undefined
  after: T | undefined
}

/** A doubly linked list that one can leave in O(1) from wherever one stands. */
export class LinkedList<T extends Linked<T>> {
  #size = 0
  #first: T | undefined
  #last: T | undefined

  get size(): number {
    return this.#size
  }

  get first(): T | undefined {
    return this.#first
  }

  add(item: T): void {
    item.before = this.#last
    if (this.#last === undefined) this.#first = item
    else this.#last.after = item
    this.#last = item
    this.#size++
  }

  /** Takes out what stands in this list. */
  remove(item: T): void {
    if (item.before === undefined) this.#first = item.after
    else item.before.after = item.after
    if (item.after === undefined) this.#last = item.before
    else item.after.before = item.before
    item.before = item.after = undefined
    this.#size--
  }
}
