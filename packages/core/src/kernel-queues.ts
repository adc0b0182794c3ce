import { existsSync, readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'

const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6']

/** What a connection is told by. */
export type Ends = Partial<
  Record<'localPort' | 'remotePort', number | undefined> &
    Record<'localAddress' | 'remoteAddress', string | undefined>
>

/** What one reading has taken of the time since the last, at most: with 20,000 sockets it takes 20 ms. */
const PART_OF_TIME = 1 / 50

/**
 * What the kernel still holds of what was sent on a connection, as Linux tells in `/proc/net/tcp`. Only by this can one
 * see a slow client take what it is sent: Node hears of it in steps of a third of the send buffer, which on a link of
 * 800 kbit/s are two seconds apart (measured); the kernel, with each acknowledgement, half a second.
 */
export class KernelQueues {
  readonly #tables: readonly string[]
  #unacknowledged = new Map<string, number>()
  #readAt = Number.NEGATIVE_INFINITY
  #tookMs = 0
  #exist: boolean | undefined

  /** @param tables where they stand, for tests */
  constructor(tables: readonly string[] = TABLES) {
    this.#tables = tables
  }

  /** Nowhere but on Linux, and not in each sandbox. */
  get exist(): boolean {
    this.#exist ??= this.#tables.some(table => existsSync(table))
    return this.#exist
  }

  /** Reads them again, unless that would take more than `part` of the time. False where they can't be read now. */
  refresh(part: number = PART_OF_TIME): boolean {
    const started = performance.now()
    if (!this.exist || started < this.#readAt + this.#tookMs / part) return false
    try {
      const texts = this.#tables.map(textOf).filter(text => text !== undefined)
      this.#exist = texts.length > 0
      if (!this.#exist) return false
      this.#unacknowledged = new Map(texts.flatMap(entriesOf))
    } catch {
      // EMFILE: a flood of connections has taken the last descriptor.
      return false
    }
    this.#readAt = performance.now()
    this.#tookMs = this.#readAt - started
    return true
  }

  /** Bytes of `socket` that its client has not acknowledged; undefined where it is not in the tables. */
  unacknowledged({ localAddress, localPort, remoteAddress, remotePort }: Ends): number | undefined {
    return this.#unacknowledged.get(`${hexEnd(localAddress, localPort)} ${hexEnd(remoteAddress, remotePort)}`)
  }
}

/** Undefined where there is no such table, as that of IPv6 on many machines, or nobody may read it. */
function textOf(table: string): string | undefined {
  try {
    return readFileSync(table, 'latin1')
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code as string))
      return undefined
    throw error
  }
}

/** A line each: `sl: local:port remote:port state sent:received …`, of which the first two tell who it is. */
function entriesOf(table: string): [string, number][] {
  const entries: [string, number][] = []
  for (let at = table.indexOf('\n') + 1; at > 0 && at < table.length; at = table.indexOf('\n', at) + 1) {
    const ends = table.indexOf(': ', at) + 2
    const end = table.indexOf(' ', table.indexOf(' ', ends) + 1)
    entries.push([table.slice(ends, end), Number.parseInt(table.slice(end + 4, end + 12), 16)])
  }
  return entries
}

function hexEnd(address = '', port = 0): string {
  return `${hexAddress(address)}:${hex(port, 4)}`
}

/** As the kernel prints it: words of 32 bits, each in the order of the machine. */
function hexAddress(address: string): string {
  if (isIPv4(address)) return hexWord(address.split('.').map(Number))
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1]
  if (mapped !== undefined) return `0000000000000000FFFF0000${hexAddress(mapped)}`
  const [head = '', tail] = (address.split('%', 1)[0] as string).split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail ? tail.split(':') : []
  const groups = [...first, ...Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0'), ...last]
  const bytes = groups.flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255])
  return [0, 4, 8, 12].map(at => hexWord(bytes.slice(at, at + 4))).join('')
}

function hexWord(bytes: readonly number[]): string {
  const buffer = Buffer.from(bytes)
  return hex(new Uint32Array(buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + 4))[0] as number, 8)
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0')
}
