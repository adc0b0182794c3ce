import { readFileSync } from 'node:fs'
import { isIPv4, type Socket } from 'node:net'

const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6']

/** What one reading has taken of the time since the last, at most: with 20,000 sockets it takes 20 ms. */
const PART_OF_TIME = 1 / 50

/**
 * What the kernel still holds of what was sent on a connection, as Linux tells in `/proc/net/tcp`. Only by this can one
 * see a slow client take what it is sent: Node hears of it in steps of a third of the send buffer, which on a link of
 * 800 kbit/s are two seconds apart (measured); the kernel, with each acknowledgement, half a second.
 */
export class KernelQueues {
  readonly #tables: readonly string[]
  #text = ''
  #readAgainAt = 0
  #exists = true

  /** @param tables where they stand, for tests */
  constructor(tables: readonly string[] = TABLES) {
    this.#tables = tables
  }

  /** Reads them again, unless that would take too much of the time. False where they can't be read now. */
  refresh(): boolean {
    const started = performance.now()
    if (!this.#exists || started < this.#readAgainAt) return false
    try {
      this.#text = this.#tables.map(table => readFileSync(table, 'latin1')).join('')
    } catch {
      // No Linux, or a sandbox without it.
      this.#exists = false
      return false
    }
    const ended = performance.now()
    this.#readAgainAt = ended + (ended - started) / PART_OF_TIME
    return true
  }

  /** Bytes of `socket` that its client has not acknowledged; undefined where it is not in the tables. */
  unacknowledged({ localPort = 0, remotePort = 0, remoteAddress = '' }: Socket): number | undefined {
    const client = `${hexAddress(remoteAddress)}:${hex(remotePort, 4)}`
    const at = this.#text.indexOf(`:${hex(localPort, 4)} ${client} `)
    if (at === -1) return undefined
    // The state, then what waits to be sent or acknowledged.
    return Number.parseInt(this.#text.slice(at + client.length + 10, at + client.length + 18), 16)
  }
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
