import { createServer, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const KiB = 1024
/** What some of them take, on a bad day. */
const SLOW_MS = 15_000
const USUAL_MS = 50
/** Descriptions, pictures, terms: what comes with a price where all fields are asked for. */
const PARTICULARS = 'a'.repeat(64 * KiB)
const EXPORT = 'e'.repeat(512 * KiB)
const ERROR_PAGE = '<!-- -->\n'.repeat(256 * 114)

/**
 * Stands in for suppliers: `GET /north/fine-1?fields=price`. Of things called `slow-…` the offer begins at once and ends
 * after 15 s; of `large-…` it is 8 times too long, and as slow; of `none-…` there is an error page of 256 KiB.
 * `GET /connections` tells how many were open at once, since it was asked before.
 */
export function suppliersServer(slowMs = SLOW_MS): Server {
  let open = 0
  let most = 0
  const server = createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url as string, 'http://suppliers')
    const [, , thing = ''] = pathname.split('/')
    const particulars = searchParams.get('fields') === 'all' ? PARTICULARS : ''
    if (pathname === '/connections') {
      res.end(JSON.stringify({ most }))
      most = open
    } else if (thing.startsWith('none-')) res.writeHead(503, { 'content-type': 'text/html' }).end(ERROR_PAGE)
    else void offer(res, thing, particulars, slowMs)
  })
  return server.on('connection', socket => {
    most = Math.max(most, ++open)
    socket.once('close', () => open--)
  })
}

async function offer(res: ServerResponse, thing: string, particulars: string, slowMs: number): Promise<void> {
  const gone = new AbortController()
  res.once('close', () => gone.abort())
  const begin = `{"particulars":"${thing.startsWith('large-') ? EXPORT : particulars}",`
  const isUsual = thing.startsWith('fine-')
  res.writeHead(200, { 'content-type': 'application/json' })
  if (!isUsual) res.write(begin)
  // Nobody waits for it any more: it ends then.
  await sleep(isUsual ? USUAL_MS : slowMs, undefined, { signal: gone.signal }).catch(() => {})
  res.end(`${isUsual ? begin : ''}"price":${thing.length}}`)
}
