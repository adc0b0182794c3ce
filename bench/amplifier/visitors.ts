import http from 'node:http'

/** What visitors ask for, in turns: most of it is there, and of the rest there is some of each. */
const THINGS = [
  'fine',
  'slow',
  'fine',
  'none',
  'fine',
  'large',
  'fine',
  'fine',
  'slow, leaves',
  'fine',
] as const
const PATIENCE_MS = 2000
/** Who has found something better. */
const LEAVES_MS = 200

/** What became of them. */
export interface VisitorReport {
  readonly sent: number
  /** 200 with the right prices. */
  readonly useful: number
  /** Told that there is nothing, and why: an error of the server's, whole. */
  readonly refused: number
  /** Left on their own account, and wanted nothing any more. */
  readonly left: number
  /** By status or error's code; `too long` where patience has run out. */
  readonly byEnding: Readonly<Record<string, number>>
  readonly seconds: number
}

interface Ended {
  readonly as: 'useful' | 'refused' | 'left' | 'failed'
  readonly ending: string
}

/** So many a second, each on a connection of its own, whatever became of those before. */
export async function visit(
  port: number,
  seconds: number,
  perSecond: number,
  onAnswer: () => void,
): Promise<VisitorReport> {
  const startedMs = performance.now()
  const all: Promise<void>[] = []
  const byEnding: Record<string, number> = {}
  const tally = { useful: 0, refused: 0, left: 0, failed: 0 }
  const total = seconds * perSecond
  await new Promise<void>(resolve => {
    const timer = setInterval(() => {
      // A timer that was late makes up for it.
      const due = Math.min(total, ((performance.now() - startedMs) / 1000) * perSecond)
      while (all.length < due) all.push(visitor(port, all.length).then(count))
      if (all.length < total) return
      clearInterval(timer)
      resolve()
    }, 5)
  })
  await Promise.all(all)
  const { useful, refused, left } = tally
  return { sent: all.length, useful, refused, left, byEnding, seconds }

  function count({ as, ending }: Ended): void {
    tally[as]++
    byEnding[ending] = (byEnding[ending] ?? 0) + 1
    if (as === 'useful') onAnswer()
  }
}

function visitor(port: number, index: number): Promise<Ended> {
  const [kind = '', leaves] = (THINGS[index % THINGS.length] as string).split(', ')
  const thing = `${kind}-${index}`
  return new Promise(resolve => {
    const req = http.get({ port, host: '127.0.0.1', path: `/offers/${thing}`, agent: false })
    const timer = setTimeout(
      () => {
        resolve(leaves ? { as: 'left', ending: 'left' } : { as: 'failed', ending: 'too long' })
        req.destroy()
      },
      leaves ? LEAVES_MS : PATIENCE_MS,
    )
    const end = (ended: Ended): void => {
      clearTimeout(timer)
      resolve(ended)
    }
    const fail = (error: NodeJS.ErrnoException): void =>
      end({ as: 'failed', ending: error.code ?? error.message })
    req.on('error', fail)
    req.on('response', res => {
      let body = ''
      res.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      res.on('error', fail)
      res.on('end', () => {
        const ending = String(res.statusCode)
        if (res.statusCode !== 200) end({ as: 'refused', ending })
        else end({ as: isRight(body, kind, thing) ? 'useful' : 'failed', ending })
      })
    })
  })
}

/** The suppliers take as much for a thing as its name has letters. */
function isRight(body: string, kind: string, thing: string): boolean {
  const prices: unknown[] = Object.values(JSON.parse(body))
  return prices.length === (kind === 'none' ? 0 : 4) && prices.every(price => price === thing.length)
}
