import type { Socket } from 'node:net'
import { type Linked, LinkedList } from './linked-list.ts'
import { resetSocket } from './reset-socket.ts'

/**
 * How many sockets may linger at once. What is sent and not read stays in the kernel, up to 115 KiB for each (measured
 * on Linux), so that these are 30 MiB.
 */
export const MOST_LINGERERS = 256
/** Beside more than so many none is read: its answer is there, and its client finds that it can't send. */
export const MOST_READ = 32
/** What all that are read may be read together. */
const POOL_BYTES = 256 * 2 ** 20

/** A socket that is only there for its client to read the answer. */
export class Lingerer implements Linked<Lingerer> {
  before: Lingerer | undefined = undefined
  after: Lingerer | undefined = undefined
  readonly #socket: Socket
  #gone = false

  /**
   * Counts a socket in until it closes. Of too many the eldest is cut: it has had the most time to be read. A flood of
   * uploads that are all refused would otherwise fill the kernel with bodies that nobody wants, and take all the time
   * there is to throw them away.
   */
  constructor(socket: Socket) {
    this.#socket = socket
    if (all.size >= MOST_LINGERERS) all.first?.cut()
    all.add(this)
    socket.on('close', () => this.#leave())
  }

  /** Whether there is time to throw away what it is sent. */
  get mayRead(): boolean {
    return all.size <= MOST_READ
  }

  /** Whether more was read of it than is its share. The kernel's buffer has grown meanwhile: it is not to be kept. */
  hasReadItsShare(bytes: number): boolean {
    return bytes > POOL_BYTES / all.size
  }

  cut(): void {
    this.#leave()
    resetSocket(this.#socket)
  }

  #leave(): void {
    if (this.#gone) return
    this.#gone = true
    all.remove(this)
  }
}

const all = new LinkedList<Lingerer>()
