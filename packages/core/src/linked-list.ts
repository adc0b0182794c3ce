/** A place in a list, kept by its owner so that it can leave in O(1) from wherever it stands. */
export class Link<T> {
  readonly owner: T
  before: Link<T> | undefined = undefined
  after: Link<T> | undefined = undefined

  constructor(owner: T) {
    this.owner = owner
  }
}

/** A doubly linked list. A link may stand in one list at a time. */
export class LinkedList<T> {
  #size = 0
  #first: Link<T> | undefined
  #last: Link<T> | undefined

  get size(): number {
    return this.#size
  }

  get first(): Link<T> | undefined {
    return this.#first
  }

  add(link: Link<T>): void {
    link.before = this.#last
    if (this.#last === undefined) this.#first = link
    else this.#last.after = link
    this.#last = link
    this.#size++
  }

  /** Takes out a link that stands in this list. */
  remove(link: Link<T>): void {
    if (link.before === undefined) this.#first = link.after
    else link.before.after = link.after
    if (link.after === undefined) this.#last = link.before
    else link.after.before = link.before
    link.before = link.after = undefined
    this.#size--
  }
}
