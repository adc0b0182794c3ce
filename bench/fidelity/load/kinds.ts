import type { Random } from '../../soak/random.ts'
import { bodyOf } from './body.ts'
import type { Request } from './exchange.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20
const SLOWLY = 256 * KiB

/** What is asked for, and how many of a hundred requests are such. */
export const kinds: readonly {
  readonly name: string
  readonly percent: number
  readonly draw: (random: Random) => Request
}[] = [
  {
    name: 'upload',
    percent: 25,
    draw: random => post('/upload', 'buffer', random.magnitude(64 * KiB, 8 * MiB)),
  },
  {
    name: 'parts',
    percent: 15,
    draw: random => post('/parts', 'parts', random.magnitude(256 * KiB, 5 * MiB)),
  },
  { name: 'json', percent: 25, draw: random => post('/json', 'json', random.magnitude(KiB, MiB)) },
  {
    name: 'download',
    percent: 25,
    draw: random => ({ path: `/download/${random.magnitude(256 * KiB, 16 * MiB)}` }),
  },
  {
    name: 'slow sender',
    percent: 5,
    draw: random => ({
      ...post('/upload', 'buffer', random.magnitude(256 * KiB, 2 * MiB)),
      bytesPerSecond: SLOWLY,
    }),
  },
  {
    name: 'slow reader',
    percent: 5,
    draw: random => ({ path: `/download/${random.magnitude(MiB, 4 * MiB)}`, bytesPerSecond: SLOWLY }),
  },
]

export function drawn(random: Random): Request {
  let left = random.next() * 100
  for (const { percent, draw } of kinds) {
    if (left < percent) return draw(random)
    left -= percent
  }
  return { path: '/health' }
}

function post(path: string, kind: Parameters<typeof bodyOf>[0], bytes: number): Request {
  return { path, ...bodyOf(kind, bytes) }
}
