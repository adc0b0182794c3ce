import type { Account } from './account.ts'
import { type InLine, WaitLine } from './wait-line.ts'

/** Somebody who waits for bytes. Its place is its queue's own affair. */
export interface Waiter extends InLine {
  readonly bytes: number
  /** Asks it anew what it needs, where that may become less: whether it has. */
  reprice?(): boolean
  /** How many had joined before. */
  turn: number
  /** How many bytes had passed somebody before. */
  passedBefore: number
  /** In which line it stands. */
  line: number
}

const CLASSES = 31

/**
 * Who goes next: first come, first served, but for smaller ones that pass a waiter whose bytes are not free, up
 * to a number of bytes; from there on it is strict. Were any number let past, a stream of small requests would
 * starve the large one (the reason Go's semaphore gives for letting none).
 *
 * Only waiters larger than a capacity that was shrunk stand aside: nothing short of a resize can serve them,
 * and the whole line would wait for their time-out. So do those above a ceiling, for as long as memory is short; and
 * those for whom there is no room beside somebody who was promised all there is, sends slowly, and lends the rest. There
 * is only ever one such, and who stands aside for him is first when he is over.
 *
 * One line for each power of two, since with one for all it would take a search to find who is small
 * enough. All of it is O(1), amortized.
 */
export class WaitQueue<W extends Waiter> {
  /** How many bytes may pass one waiter, whatever becomes of those before it. */
  readonly #passBytes: number
  readonly #mayBegin: (waiter: W) => boolean
  readonly #lines: (WaitLine<W> | undefined)[] = new Array(CLASSES)
  /** Bit n: somebody stands in line n. */
  #busy = 0
  /** Who has waited for longest. */
  #first: W | undefined
  #size = 0
  #turns = 0
  /** Bytes that have ever passed somebody. */
  #passed = 0

  /** @param mayBegin whether a waiter whose bytes are not free may begin with a part of them */
  constructor(passBytes: number, mayBegin: (waiter: W) => boolean = () => false) {
    this.#passBytes = passBytes
    this.#mayBegin = mayBegin
  }

  get size(): number {
    return this.#size
  }

  add(waiter: W): void {
    waiter.turn = this.#turns++
    waiter.passedBefore = this.#passed
    this.#first ??= waiter
    this.#stand(waiter)
    this.#size++
  }

  #stand(waiter: W): void {
    const at = classOf(waiter.bytes)
    waiter.line = at
    let line = this.#lines[at]
    if (line === undefined) line = this.#lines[at] = new WaitLine()
    line.add(waiter)
    this.#busy |= 1 << at
  }

  /** Takes out a waiter that stands in this queue, wherever it stands. */
  remove(waiter: W): void {
    const line = this.#lines[waiter.line] as WaitLine<W>
    line.remove(waiter)
    if (line.size === 0) this.#busy &= ~(1 << waiter.line)
    this.#size--
    if (waiter !== this.#first) return
    // Mostly there is one line only.
    this.#first = this.#busy === 1 << waiter.line ? line.first : this.#oldest(Number.POSITIVE_INFINITY)
  }

  /**
   * Asks everybody anew what he needs. Who needs less stands among smaller ones from here on, and keeps his turn.
   *
   * @returns whether anybody does
   */
  reprice(): boolean {
    const all = this.#lines.flatMap(line => (line === undefined ? [] : line.all()))
    // Each of them is asked.
    if (all.filter(waiter => waiter.reprice?.()).length === 0) return false
    this.#lines.fill(undefined)
    this.#busy = 0
    for (const waiter of all.sort((one, other) => one.turn - other.turn)) this.#stand(waiter)
    return true
  }

  /** The waiter to be granted now, who leaves by that; undefined where it is nobody's turn. */
  next(account: Account): W | undefined {
    const head = this.head(account.reach)
    if (head === undefined || account.admits(head.bytes) || this.#mayBegin(head)) return head
    // Nobody behind the head has been passed by more, since it was there before them.
    const left = this.#passBytes - (this.#passed - head.passedBefore)
    // Not even for what costs nothing: it is strict by now.
    if (left <= 0) return undefined
    const passer = this.#firstThatFits(account, left)
    if (passer !== undefined) this.#passed += passer.bytes
    return passer
  }

  /** The first of those who want at most `most` bytes. */
  smallest(most: number): W | undefined {
    return this.#oldest(most)
  }

  /** Whether a newcomer may be granted at once without passing anybody it should stand behind. */
  admits(bytes: number, account: Account): boolean {
    if (!account.admits(bytes)) return false
    return this.#first === undefined || this.head(account.reach) === undefined
  }

  /** Whose turn it is as soon as there is room: the first that a capacity can hold. */
  head(capacity: number): W | undefined {
    const first = this.#first
    return first === undefined || first.bytes <= capacity ? first : this.#oldest(capacity)
  }

  /** The first in the order of joining of whom `test` is true. */
  oldest(test: (waiter: W) => boolean): W | undefined {
    let oldest: W | undefined
    for (let busy = this.#busy; busy !== 0; busy &= busy - 1) {
      const first = this.#lineOfLowest(busy).find(test)
      if (first !== undefined && (oldest === undefined || first.turn < oldest.turn)) oldest = first
    }
    return oldest
  }

  #oldest(most: number): W | undefined {
    let oldest: W | undefined
    // The lines of larger ones cost nothing.
    const lines = this.#busy & ((2 << classOf(most)) - 1)
    for (let busy = lines; busy !== 0; busy &= busy - 1) {
      const line = this.#lineOfLowest(busy)
      let first = line.first as W | undefined
      if ((first as W).bytes > most) first = line.find(waiter => waiter.bytes <= most)
      if (first !== undefined && (oldest === undefined || first.turn < oldest.turn)) oldest = first
    }
    return oldest
  }

  /** Of those who are first in their line. */
  #firstThatFits(account: Account, most: number): W | undefined {
    let oldest: W | undefined
    for (let busy = this.#busy; busy !== 0; busy &= busy - 1) {
      const first = this.#lineOfLowest(busy).first as W
      if (first.bytes > most || !account.admits(first.bytes)) continue
      if (oldest === undefined || first.turn < oldest.turn) oldest = first
    }
    return oldest
  }

  #lineOfLowest(busy: number): WaitLine<W> {
    return this.#lines[31 - Math.clz32(busy & -busy)] as WaitLine<W>
  }
}

/** Up to 1 KiB, 2 KiB, 4 KiB and so on. */
function classOf(bytes: number): number {
  return Math.min(CLASSES - 1, 32 - Math.clz32(Math.min((bytes - 1) / 1024, 2 ** 31)))
}
