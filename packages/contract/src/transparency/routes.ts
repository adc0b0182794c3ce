import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import busboy from 'busboy'
import type { Exchange, Framework, Route } from '../framework.ts'
import type { Journal, Page } from './journal.ts'

/** A handler of HTTP/1, with the page it notes on. */
type Handler = (exchange: Http1Exchange, page: Page) => unknown

interface Http1Exchange extends Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/** Answered at once, to see whether a connection is still served. */
export const PROBE = '/probe'

const TEXT = { 'Content-Type': 'text/plain; charset=utf-8' }

/** With the framework's own way to read the body and to answer. */
const WHOLE: Readonly<Record<string, Handler>> = {
  [PROBE]: exchange => exchange.reply({ headers: TEXT, body: 'here' }),
  '/seen': async (exchange, page) => {
    const { req } = exchange
    const body = await exchange.body()
    page.push(`body, complete ${req.complete}, aborted ${req.aborted}`)
    return exchange.reply({
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        line: [req.method, req.url, req.httpVersion],
        headers: req.rawHeaders,
        trailers: [req.rawTrailers, req.trailers],
        bytes: body.length,
        sha1: createHash('sha1').update(body).digest('hex'),
      }),
    })
  },
  '/echo': async exchange =>
    exchange.reply({
      headers: { 'Content-Type': 'application/octet-stream' },
      body: await exchange.body(),
    }),
  '/late': async exchange => {
    await turns(8)
    return exchange.reply({ headers: TEXT, body: 'late' })
  },
  '/stream': exchange => exchange.reply({ headers: TEXT, body: Readable.from(['one ', 'two ', 'three']) }),
  '/stream-of-length': exchange =>
    exchange.reply({
      headers: { ...TEXT, 'Content-Length': '13' },
      body: Readable.from(['one ', 'two ', 'three']),
    }),
  '/nothing': exchange => exchange.reply({ status: 204 }),
  '/not-modified': exchange => exchange.reply({ status: 304, headers: { ETag: '"a"' } }),
  '/redirect': exchange =>
    exchange.reply({ status: 302, headers: { ...TEXT, Location: '/seen' }, body: 'there' }),
  '/close': exchange => exchange.reply({ headers: { ...TEXT, Connection: 'close' }, body: 'the last' }),
  '/large': exchange => exchange.reply({ headers: TEXT, body: 'large '.repeat(50_000) }),
  '/throws': () => {
    throw new Error('thrown')
  },
  '/throws-later': async exchange => {
    await exchange.body()
    throw Object.assign(new Error('thrown'), { status: 418, statusCode: 418, expose: true })
  },
}

/** Which read the request themselves, or don't. */
const BY_HAND: Readonly<Record<string, Handler>> = {
  '/early': exchange => exchange.reply({ headers: TEXT, body: 'early' }),
  '/early-and-large': exchange => exchange.reply({ headers: TEXT, body: 'early '.repeat(50_000) }),
  '/early-then-read': async (exchange, page) => {
    exchange.hijack?.()
    exchange.res.writeHead(200, TEXT).end('early')
    await noting(page, async () => {
      let bytes = 0
      for await (const chunk of exchange.req) bytes += chunk.length
      page.push(`read ${bytes} bytes`)
    })
  },
  '/late-unread': async exchange => {
    await turns(8)
    return exchange.reply({ headers: TEXT, body: 'late' })
  },
  '/pipeline': async (exchange, page) => {
    exchange.hijack?.()
    exchange.res.writeHead(200, TEXT)
    await noting(page, () => pipeline(exchange.req, exchange.res))
  },
  '/pipe': async exchange => {
    exchange.hijack?.()
    exchange.res.writeHead(200, TEXT)
    exchange.req.pipe(exchange.res)
  },
  '/iterate': async (exchange, page) => {
    let bytes = 0
    await noting(page, async () => {
      for await (const chunk of exchange.req) bytes += chunk.length
    })
    const { complete, aborted, trailers } = exchange.req
    return exchange.reply({ headers: TEXT, body: JSON.stringify({ bytes, complete, aborted, trailers }) })
  },
  '/break': async (exchange, page) => {
    await noting(page, async () => {
      for await (const chunk of exchange.req) {
        page.push(chunk.length > 0 ? 'some of it' : 'nothing of it')
        break
      }
    })
    return exchange.reply({ headers: TEXT, body: 'enough' })
  },
  '/busboy': (exchange, page) =>
    new Promise(resolve => {
      const { req } = exchange
      const fields: unknown[] = []
      let status = 200
      const answer = (): void =>
        resolve(exchange.reply({ status, headers: TEXT, body: JSON.stringify(fields) }))
      try {
        const form = busboy({ headers: req.headers })
        form.on('field', (name, value) => fields.push([name, value]))
        form.on('file', (name, file, { filename }) => {
          let bytes = 0
          file.on('data', chunk => {
            bytes += chunk.length
          })
          file.on('error', () => {})
          file.on('end', () => fields.push([name, filename, bytes]))
        })
        form.on('error', error => {
          page.push(String(error))
          req.unpipe(form)
          status = 400
        })
        form.on('close', answer)
        req.pipe(form)
      } catch (error) {
        page.push(String(error))
        status = 415
        answer()
      }
    }),
  '/odd': exchange => {
    exchange.hijack?.()
    const { res } = exchange
    res.statusMessage = 'Odd Enough'
    res.setHeader('Set-Cookie', ['a=1', 'b=2'])
    res.setHeader('X-Empty', '')
    res.setHeader('x-CASE', ['one', 'two'])
    res.setHeader('X-Latin', '\xe9')
    res.removeHeader('Date')
    res.writeHead(299, { 'x-case': 'three', 'X-Last': ['a', 'b'] })
    res.end('odd')
  },
  '/trailers': exchange => {
    exchange.hijack?.()
    const { req, res } = exchange
    // Announced without chunks it is an exception.
    const chunked = req.httpVersion === '1.1' && req.method !== 'HEAD'
    res.writeHead(200, chunked ? { Trailer: 'X-Trailer' } : {})
    res.write('body')
    res.addTrailers({ 'X-Trailer': 'here' })
    res.end()
  },
  '/hints': async exchange => {
    exchange.hijack?.()
    const { res } = exchange
    res.writeProcessing()
    res.writeEarlyHints({ link: '</style.css>; rel=preload' })
    await turns(2)
    res.end('hinted')
  },
  '/events': async exchange => {
    exchange.hijack?.()
    const { res } = exchange
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
    for (let event = 0; event < 3; event++) {
      res.write(`data: ${event}\n\n`)
      await turns(2)
    }
    res.end()
  },
  '/cut': async exchange => {
    exchange.hijack?.()
    const { req, res } = exchange
    // Of one that is pipelined nothing would come.
    while (res.socket === null && !req.destroyed) await turn()
    res.writeHead(200, { 'Content-Length': 100 })
    res.write('half')
    await turns(2)
    res.destroy()
  },
  '/no-keep-alive': exchange => {
    exchange.res.shouldKeepAlive = false
    return exchange.reply({ headers: TEXT, body: 'the last' })
  },
}

const PARSED: Readonly<Record<string, Handler>> = {
  '/parsed': exchange => {
    const body = exchange.parsed?.()
    const text = JSON.stringify([typeof body, Buffer.isBuffer(body), body]) ?? 'undefined'
    return exchange.reply({ headers: { 'Content-Type': 'application/json' }, body: text })
  },
}

async function turns(count: number): Promise<void> {
  for (let index = 0; index < count; index++) await turn()
}

/** What goes wrong is noted, and nothing more: the client has gone, or has not sent what it said. */
async function noting(page: Page, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    page.push(String((error as NodeJS.ErrnoException).code ?? error))
  }
}

const METHODS = ['HEAD', 'GET', 'POST', 'PUT'] as const

function routes(handlers: Readonly<Record<string, Handler>>, own: Pick<Route, 'unread' | 'parsed'>) {
  return Object.entries(handlers).flatMap(([path, handle]) =>
    METHODS.map(method => ({ method, path, handle, ...own })),
  )
}

function ownRoutes({ parses }: Framework) {
  return [
    ...routes(WHOLE, {}),
    ...routes(BY_HAND, { unread: true }),
    ...(parses ? routes(PARSED, { parsed: true }) : []),
  ]
}

/** Everything that the two servers under comparison have to serve. */
export function routesOf(framework: Framework, journal: Journal): Route[] {
  return ownRoutes(framework).map(route => ({
    ...route,
    async handle(exchange) {
      const page = journal.page(exchange)
      try {
        return await route.handle(exchange as Http1Exchange, page)
      } catch (error) {
        page.push(String(error))
        throw error
      }
    },
  }))
}

/** Of HTTP/1 alone. */
const HTTP1 = ['/odd', '/hints', '/close', '/no-keep-alive']

/** The paths of the routes; those that tell most stand there more often. */
export function pathsOf(framework: Framework): string[] {
  const all = [...new Set(ownRoutes(framework).map(({ path }) => path))]
  const paths = framework.protocol === 'http2' ? all.filter(path => !HTTP1.includes(path)) : all
  const telling = paths.filter(path => ['/seen', '/echo', '/parsed'].includes(path))
  return [...paths, ...telling, ...telling, ...telling]
}
