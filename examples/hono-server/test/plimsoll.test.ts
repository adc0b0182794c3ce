import { text } from 'node:stream/consumers'
import { Governor, type GovernorOptions, isPlimsollError } from '@plimsoll/core'
import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import t from 'tap'
import { plimsoll } from '../src/plimsoll.ts'
import { MiB, responseTo, serve, statusOf, until } from './serve.ts'

/** All ways in which handlers read a body. */
const readers: Record<string, (c: Context) => Promise<unknown>> = {
  text: c => c.req.text(),
  json: c => c.req.json(),
  arrayBuffer: c => c.req.arrayBuffer(),
  blob: c => c.req.blob(),
  parseBody: c => c.req.parseBody(),
  formData: c => c.req.raw.formData(),
  clone: c => c.req.raw.clone().text(),
  stream: c => new Response(c.req.raw.body).text(),
}

function build(options: GovernorOptions = {}) {
  const app = new Hono()
  app.use(async (c, next) => {
    await next()
    // As who logs would: of a refused request, too.
    c.header('x-held', String(c.var.plimsoll.bytes))
  })
  const governed = plimsoll({ budget: '16MiB', maxBody: '1MiB', ...options })
  app.use(cors())
  app.use(governed)
  return { app, governor: governed.governor }
}

t.test('a body too large is refused by its head, and its client reads the answer', async t => {
  const { app, governor } = build()
  app.post('/', c => c.text('never'))
  await serve(t, { app, governor }, async ({ send }) => {
    for (let time = 0; time < 20; time++) {
      const upload = send('/', { headers: { 'content-length': 8 * MiB } })
      upload.end(Buffer.alloc(8 * MiB))
      const response = await responseTo(upload)
      t.equal(response.statusCode, 413)
      t.equal(response.headers['access-control-allow-origin'], '*', 'what other middleware has set is kept')
      t.equal(response.headers['x-held'], '0')
      t.match(JSON.parse(await text(response)), { statusCode: 413, code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' })
    }
  })
})

for (const [name, read] of Object.entries(readers)) {
  t.test(`a body that proves too large fails in ${name}, and its client is answered meanwhile`, async t => {
    t.capture(console, 'error')
    const { app, governor } = build()
    let seen: unknown
    app.post('/', async c => {
      try {
        await read(c)
      } catch (error) {
        seen = error
        throw error
      }
      return c.text('never')
    })
    await serve(t, { app, governor }, async ({ send }) => {
      const upload = send('/', { headers: { 'content-type': 'multipart/form-data; boundary=x' } })
      upload.write(Buffer.alloc(2 * MiB))
      const response = await responseTo(upload)
      t.equal(response.statusCode, 413)
      t.equal(response.headers['access-control-allow-origin'], '*', 'by Hono, and not in its place')
      t.match(JSON.parse(await text(response)), { code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' })
      t.match(seen, { code: 'ERR_PLIMSOLL_BODY_TOO_LARGE' })
    })
  })
}

t.test('an error handler that knows refusals has the last word', async t => {
  const { app, governor } = build()
  app.post('/', async c => c.text(await c.req.text()))
  app.onError((error, c) => c.text(isPlimsollError(error) ? error.code : 'fault', 418))
  await serve(t, { app, governor }, async ({ send }) => {
    const upload = send('/')
    upload.write(Buffer.alloc(2 * MiB))
    t.equal(await statusOf(upload), 418)
  })
})

t.test(
  'a client that asks first is told to go on when there is room, and never where it is refused',
  async t => {
    const { app, governor } = build({ budget: '1MiB' })
    app.post('/', async c => c.text(`${(await c.req.arrayBuffer()).byteLength}`))
    await serve(t, { app, governor }, async ({ send }) => {
      const first = send('/', { headers: { 'content-length': MiB } })
      await until(() => governor.budget.available === 0)
      const second = send('/', { headers: { 'content-length': MiB, expect: '100-continue' } })
      let toldToGoOn = 0
      second.on('continue', () => {
        toldToGoOn++
        second.end(Buffer.alloc(MiB))
      })
      await until(() => governor.budget.waiting === 1)
      t.equal(toldToGoOn, 0)
      first.end(Buffer.alloc(MiB))
      t.equal(await statusOf(first), 200)
      t.equal(await statusOf(second), 200)
      t.equal(toldToGoOn, 1)

      const refused = send('/', { headers: { 'content-length': 2 * MiB, expect: '100-continue' } })
      refused.on('continue', () => t.fail('told to go on'))
      t.equal(await statusOf(refused), 413)
    })
  },
)

t.test('a request whose client leaves the queue meets no handler', async t => {
  const { app, governor } = build({ cost: '1MiB', budget: '1MiB' })
  let handled = 0
  app.get('/', async c => {
    handled++
    return c.text('late')
  })
  app.get('/kept', c => c.body(new ReadableStream()))
  await serve(t, { app, governor }, async ({ send }) => {
    const first = send('/kept', { method: 'GET' })
    first.end()
    await responseTo(first)
    const second = send('/', { method: 'GET' })
    second.end()
    await until(() => governor.budget.waiting === 1)
    second.destroy()
    await until(() => governor.budget.waiting === 0)
    t.equal(governor.budget.reserved, MiB, 'a response without an end keeps its bytes')
    first.destroy()
    await until(() => governor.stats().active === 0)
    t.equal(handled, 0)
    t.same(governor.stats().refused, { ERR_PLIMSOLL_CLIENT_GONE: 1 })
  })
})

t.test('an upload that breaks off fails in its reader, and is released', async t => {
  const { app, governor } = build()
  const printed = t.capture(console, 'error')
  app.post('/', async c => c.text(await c.req.text()))
  await serve(t, { app, governor }, async ({ send }) => {
    const upload = send('/', { headers: { 'content-length': MiB } })
    upload.write('half')
    await until(() => governor.budget.reserved === MiB)
    upload.destroy()
    await until(() => governor.stats().active === 0)
    await until(() => printed().length === 1)
  })
})

t.test('a route has a policy of its own, with the governor of all', async t => {
  const { app, governor } = build()
  const held = (c: Context) => c.text(String(c.var.plimsoll.bytes))
  app.get('/', held)
  app.get('/image', plimsoll({ governor, cost: '8MiB' }), held)
  app.get('/too-much', plimsoll({ governor, cost: '32MiB' }), held)
  await serve(t, { app, governor }, async ({ url }) => {
    t.equal(await (await fetch(url)).text(), '0')
    t.equal(await (await fetch(`${url}/image`)).text(), String(8 * MiB))
    t.equal((await fetch(`${url}/too-much`)).status, 503)
  })
})

t.test('a refused requeue that its handler lets pass tells when to come back', async t => {
  t.capture(console, 'error')
  const { app, governor } = build({ budget: '1MiB', queue: { limit: 0 } })
  app.get('/', async c => {
    await c.var.plimsoll.requeue('1MiB')
    return c.body(new ReadableStream())
  })
  await serve(t, { app, governor }, async ({ url, send }) => {
    const first = send('/', { method: 'GET' })
    first.end()
    await responseTo(first)
    const { status, headers } = await fetch(url)
    t.equal(status, 503)
    t.match(headers.get('retry-after'), /^\d+$/)
    first.destroy()
  })
})

t.test('where no socket is, nothing is admitted', async t => {
  const { app, governor } = build()
  app.get('/', c => c.text(String(c.var.plimsoll.bytes)))
  t.equal(await (await app.request('/')).text(), '0')
  t.equal(governor.stats().admitted, 0)
})

t.test('wrong options stop it at once', async t => {
  t.throws(() => plimsoll({ budget: 'lots' }), { code: 'ERR_PLIMSOLL_OPTION' })
  t.throws(() => plimsoll({ governor: new Governor(), cost: -1 }), { code: 'ERR_PLIMSOLL_OPTION' })
})

t.test('what is no refusal goes its own way', async t => {
  const { app, governor } = build()
  const broken = {
    admit() {
      throw new Error('broken')
    },
  } as unknown as Governor
  app.get('/', plimsoll({ governor: broken }), c => c.text('never'))
  app.onError((error, c) => c.text(error.message, 500))
  await serve(t, { app, governor }, async ({ url }) => {
    t.equal(await (await fetch(url)).text(), 'broken')
  })
})
