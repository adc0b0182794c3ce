import { Random } from './random.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20

/** What downloads ask for: under these names the soak stores so many bytes beforehand. */
export const STORED = { small: 64 * KiB, large: 32 * MiB } as const

/** One random client: what it asks, how it sends and reads, and how it leaves. */
export interface ClientPlan {
  readonly head: string
  /** What it sends after its head: less than declared, where it breaks its word. */
  readonly body: { readonly bytes: number; readonly chunked: boolean } | undefined
  readonly pieceBytes: number
  readonly pauseMs: number
  readonly reads: 'all' | 'slowly' | 'nothing'
  /** 'answered': like everybody else. The others go whatever has come, at any phase. */
  readonly leaves: 'answered' | 'reset' | 'fin'
  readonly leaveAfterMs: number
}

/** Nobody stays longer, or few would come. */
const LONGEST_MS = 10_000

export function planOf(seed: number, index: number): ClientPlan {
  const random = new Random(seed * 1_000_003 + index)
  const honest = random.chance(0.5)
  const asked = random.next()
  const common = {
    pieceBytes: honest ? 256 * KiB : random.magnitude(1, 256 * KiB),
    pauseMs: honest ? 0 : random.oneOf([0, 0, 0, 5, 50, 1_000]),
    reads: honest ? ('all' as const) : random.oneOf(['all', 'slowly', 'nothing'] as const),
    leaves: honest ? ('answered' as const) : random.oneOf(['answered', 'reset', 'reset', 'fin'] as const),
  }
  const leaveAfterMs = honest ? LONGEST_MS : random.magnitude(1, 5_000)
  // Half a head, and then nothing.
  if (!honest && asked < 0.05) return { ...common, head: 'PUT /obj', body: undefined, leaveAfterMs }
  if (asked < 0.1)
    return { ...common, ...get('/events'), leaves: 'reset', leaveAfterMs: random.magnitude(1, 5_000) }
  if (asked < 0.4) return { ...common, ...get(`/objects/${random.oneOf(Object.keys(STORED))}`), leaveAfterMs }
  return { ...common, ...put(random, index, honest), leaveAfterMs }
}

function get(path: string): Pick<ClientPlan, 'head' | 'body'> {
  return { head: `GET ${path} HTTP/1.1\r\nHost: plimsoll\r\nConnection: close\r\n\r\n`, body: undefined }
}

function put(random: Random, index: number, honest: boolean): Pick<ClientPlan, 'head' | 'body'> {
  const declared = random.magnitude(64, 16 * MiB)
  // Each costs all of the budget until it has ended.
  const chunked = random.chance(0.05)
  const bytes = honest || random.chance(0.3) ? declared : Math.floor(declared * random.next())
  const lines = [
    `PUT /objects/soaked-${index % 16} HTTP/1.1`,
    'Host: plimsoll',
    'Connection: close',
    chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${declared}`,
    // It sends its body without waiting for the 100, as clients do in the end.
    ...(random.chance(0.1) ? ['Expect: 100-continue'] : []),
  ]
  return { head: `${lines.join('\r\n')}\r\n\r\n`, body: { bytes, chunked } }
}
