import { createReadStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { BareClient, chunk, head, MULTIPART, send, serve, until } from '@plimsoll/contract'
import type { Context, Next } from 'koa'
import { koaBody } from 'koa-body'
import bodyParser from 'koa-bodyparser'
import type { Test } from 'tap'
import { type PlimsollOptions, plimsoll } from '../src/index.ts'
import { hear } from './fixtures/heard.ts'
import { type Application, inBoth } from './fixtures/koa-versions.ts'
import { silent } from './fixtures/silent.ts'

const MiB = 2 ** 20

type Handler = (ctx: Context, next: Next) => unknown

interface Setup {
  readonly options: PlimsollOptions
  readonly before?: Handler
  readonly behind?: readonly Handler[]
}

/** What middleware that is mounted before finds when the others are through. */
interface Found {
  readonly status: number
  readonly body: unknown
  readonly type: string
  readonly retryAfter: unknown
  readonly connection: unknown
  readonly bytes: number
  readonly released: boolean
}

async function application(t: Test, Koa: Application, { options, before, behind = [] }: Setup) {
  const app = new Koa()
  const heard = hear(t, app)
  const found: Found[] = []
  app.use(async (ctx, next) => {
    await next()
    const { status, body, type, res, plimsoll } = ctx
    found.push({
      status,
      body,
      type,
      retryAfter: res.getHeader('Retry-After'),
      connection: res.getHeader('Connection'),
      bytes: plimsoll.bytes,
      released: plimsoll.released,
    })
  })
  if (before !== undefined) app.use(before)
  const governed = plimsoll({ logger: silent, ...options } as PlimsollOptions)
  app.use(governed)
  for (const handler of behind) app.use(handler as Parameters<typeof app.use>[0])
  const served = await serve(t, app.callback(), governed.governor)
  return { ...served, ...heard, found }
}

/** That no operator was woken up. */
function quiet(
  t: Test,
  { errors, printed }: { errors: readonly unknown[]; printed: readonly unknown[] },
): void {
  t.strictSame({ errors, printed }, { errors: [], printed: [] }, 'nothing is printed')
}

inBoth('a refusal is an answer like a handler\u2019s, and prints nothing', async (t, Koa) => {
  const app = await application(t, Koa, { options: { budget: '1MiB', queue: { limit: 0 } } })
  const large = await send(app.port, '/', { body: Buffer.alloc(2 * MiB) })
  t.equal(large.status, 413)
  t.match(large.headers, { connection: 'close', 'content-type': 'application/json; charset=utf-8' })
  t.strictSame(large.json(), {
    statusCode: 413,
    code: 'ERR_PLIMSOLL_BODY_OVER_BUDGET',
    error: 'Payload Too Large',
    message: 'The request body is too large',
  })

  const taken = app.governor.budget.tryAcquire('1MiB')
  const busy = await send(app.port, '/', { body: 'x' })
  t.equal(busy.status, 503)
  t.match(busy.headers['retry-after'], /^\d+$/)
  t.equal(busy.headers.connection, 'keep-alive', 'a small body is read to its end')
  t.strictSame(busy.json(), {
    statusCode: 503,
    code: 'ERR_PLIMSOLL_QUEUE_FULL',
    error: 'Service Unavailable',
    message: 'Too many requests wait already',
  })
  taken?.release()

  t.match(app.found, [
    {
      status: 413,
      type: 'application/json',
      retryAfter: undefined,
      connection: 'close',
      bytes: 0,
      released: true,
    },
    { status: 503, body: { statusCode: 503 }, retryAfter: /^\d+$/, connection: undefined },
  ])
  quiet(t, app)
})

inBoth('who waited in vain is refused likewise', async (t, Koa) => {
  const app = await application(t, Koa, { options: { budget: 1, queue: { timeoutMs: 1 } } })
  const taken = app.governor.budget.tryAcquire(1)
  const { status, headers } = await send(app.port, '/', { body: 'x' })
  t.match([status, headers['retry-after']], [503, /^\d+$/])
  t.match(app.found, [
    { status: 503, body: { code: 'ERR_PLIMSOLL_QUEUE_TIMEOUT' }, bytes: 0, released: true },
  ])
  taken?.release()
  quiet(t, app)
})

const PARSERS: [string, Handler, string][] = [
  ['koa-bodyparser', bodyParser({ jsonLimit: '1gb' }) as Handler, 'application/json'],
  ['koa-body', koaBody({ jsonLimit: '1gb' }) as Handler, 'application/json'],
  ['koa-body, multipart', koaBody({ multipart: true }) as Handler, MULTIPART],
]
for (const [name, parse, type] of PARSERS) {
  inBoth(`a body refused while ${name} reads it prints nothing either`, async (t, Koa) => {
    const app = await application(t, Koa, { options: { budget: '1MiB', maxBody: '64KiB' }, behind: [parse] })
    const client = await BareClient.to(app.port)
    client.write(head('POST /', { 'content-type': type, 'transfer-encoding': 'chunked' }))
    client.writeEndlessly(chunk(Buffer.alloc(16384, 'x')))
    await client.reads(/^HTTP\/1\.1 413 [\s\S]+"code":"ERR_PLIMSOLL_BODY_TOO_LARGE"/)
    client.leave()
    await app.idle()
    t.match(app.found, [{ status: 413, connection: 'close', body: { statusCode: 413 } }])
    quiet(t, app)
  })
}

inBoth('a requeue that gets nothing, and that the handler lets pass, is a 503', async (t, Koa) => {
  const app = await application(t, Koa, {
    options: { budget: 10, queue: { limit: 0 } },
    behind: [
      async ctx => {
        // What was meant for another body.
        ctx.set({ ETag: '"an-entity"', 'Cache-Control': 'public, max-age=3600', 'X-Request-Id': 'request-7' })
        ctx.type = 'text/csv'
        ctx.body = 'a,b'
        const taken = app.governor.budget.tryAcquire(10)
        try {
          await ctx.plimsoll.requeue(10)
        } finally {
          taken?.release()
        }
      },
    ],
  })
  const { status, headers, json } = await send(app.port, '/')
  t.match([status, json()], [503, { statusCode: 503, code: 'ERR_PLIMSOLL_QUEUE_FULL' }])
  t.match(headers, {
    'retry-after': /^\d+$/,
    'content-type': 'application/json; charset=utf-8',
    'x-request-id': 'request-7',
  })
  t.strictSame([headers.etag, headers['cache-control']], [undefined, undefined])
  t.match(app.found, [{ status: 503, retryAfter: /^\d+$/ }])
  quiet(t, app)
})

inBoth('a refusal closes the stream that was to be the body', async (t, Koa) => {
  const file = createReadStream(fileURLToPath(import.meta.url))
  const app = await application(t, Koa, {
    options: { budget: 10, queue: { limit: 0 } },
    behind: [
      async ctx => {
        ctx.body = file
        const taken = app.governor.budget.tryAcquire(10)
        await ctx.plimsoll.requeue(10).finally(() => taken?.release())
      },
    ],
  })
  const closed = finished(file).catch(() => {})
  t.equal((await send(app.port, '/')).status, 503)
  await closed
  t.equal(file.destroyed, true)
})

inBoth('a refusal keeps what was set before, but for what describes another body', async (t, Koa) => {
  const app = await application(t, Koa, {
    options: { budget: 0 },
    before: (ctx, next) => {
      ctx.set({
        'Access-Control-Allow-Origin': 'https://app.example',
        'X-Request-Id': 'request-7',
        Vary: 'Origin',
        'Cache-Control': 'public, max-age=3600',
        'Content-Encoding': 'gzip',
        ETag: '"an-entity"',
      })
      ctx.type = 'application/problem+json'
      return next()
    },
  })
  const { status, headers, json } = await send(app.port, '/', { body: 'x' })
  t.match([status, json()], [413, { statusCode: 413 }])
  t.match(headers, {
    'access-control-allow-origin': 'https://app.example',
    'x-request-id': 'request-7',
    vary: 'Origin',
    'content-type': 'application/json; charset=utf-8',
  })
  for (const name of ['cache-control', 'content-encoding', 'etag']) t.notOk(name in headers, name)
})

inBoth('who answers by itself may still be refused', async (t, Koa) => {
  const app = await application(t, Koa, {
    options: { budget: 10, queue: { limit: 0 } },
    behind: [
      async ctx => {
        ctx.respond = false
        ctx.status = 200
        if (ctx.path === '/begun') ctx.res.write('begun')
        if (ctx.path === '/over') ctx.res.end('over')
        const taken = app.governor.budget.tryAcquire(10)
        await ctx.plimsoll.requeue(10).finally(() => taken?.release())
      },
    ],
  })
  t.match(await send(app.port, '/'), { status: 503, headers: { 'retry-after': /^\d+$/ } })
  // A cut is all that can still tell the client.
  const client = await BareClient.to(app.port)
  client.write(head('GET /begun'))
  await client.closed()
  t.match(client.received, /200 OK[\s\S]+begun\r\n$/)
  t.match(await send(app.port, '/over'), { status: 200, text: 'over' })
  await app.idle()
  quiet(t, app)
})

inBoth('who answers by itself is held until the answer is out', async (t, Koa) => {
  let res: Context['res'] | undefined
  const app = await application(t, Koa, {
    options: { budget: 10, cost: 10 },
    behind: [
      ctx => {
        ctx.respond = false
        res = ctx.res
      },
    ],
  })
  const reply = send(app.port, '/')
  await until(() => app.found.length === 1, 'all middleware to be through')
  t.match(app.found, [{ bytes: 10, released: false }])
  t.equal(app.governor.stats().reserved, 10)
  res?.end('by itself')
  t.equal((await reply).text, 'by itself')
  await app.idle()
})

inBoth('a body refused where nobody reads it is answered here', async (t, Koa) => {
  let late: (() => void) | undefined
  const app = await application(t, Koa, {
    options: { budget: '1MiB', maxBody: 10 },
    behind: [
      async ctx => {
        await new Promise<void>(resolve => {
          late = resolve
        })
        ctx.body = 'late'
      },
    ],
  })
  const chunked = { 'transfer-encoding': 'chunked' }
  const { status, json } = await send(app.port, '/', { body: 'more than ten', headers: chunked })
  t.match([status, json()], [413, { code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' }])
  // It could not know, and must not fail for it.
  late?.()
  await until(() => app.found.length === 1, 'the end of the handler')
  quiet(t, app)
})

inBoth('a client that leaves while it waits meets no handler, and prints nothing', async (t, Koa) => {
  const app = await application(t, Koa, {
    options: { budget: 1, cost: 1 },
    behind: [
      ctx => {
        ctx.body = 'handled'
      },
    ],
  })
  const taken = app.governor.budget.tryAcquire(1)
  const client = await BareClient.to(app.port)
  client.write(head('GET /'))
  await until(() => app.governor.stats().waiting === 1, 'one that waits')
  client.leave()
  await until(() => app.found.length === 1, 'its end')
  taken?.release()
  t.strictSame(app.governor.stats().refused, { ERR_PLIMSOLL_CLIENT_GONE: 1 })
  t.equal((await send(app.port, '/')).text, 'handled')
  quiet(t, app)
})
