import { type AdapterOptions, isPlimsollError } from '@plimsoll/core'
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { HTTPException } from 'hono/http-exception'
import { stream } from 'hono/streaming'
import { plimsoll } from './plimsoll.ts'

export function buildApp(options: AdapterOptions) {
  const app = new Hono()
  const governed = plimsoll(options)

  // Before it: a browser reads no refusal without these headers.
  app.use(cors())
  app.use(governed)

  app.post('/documents', async c => {
    const document = await c.req.json()
    return c.json({ keys: Object.keys(document), held: c.var.plimsoll.bytes }, 201)
  })

  app.post('/photos', async c => {
    const { photo } = await c.req.parseBody()
    if (!(photo instanceof File)) throw new HTTPException(400, { message: 'No photo' })
    return c.json({ name: photo.name, bytes: photo.size }, 201)
  })

  app.get('/export', async c => {
    // Nothing in the request says what it costs, and nothing is held yet: so it waits for its turn here.
    await c.var.plimsoll.requeue('1MiB')
    const rows = Number(c.req.query('rows') ?? 1000)
    return stream(c, async out => {
      for (let row = 0; row < rows && !out.aborted; row++) await out.write(`${row},${'.'.repeat(1000)}\n`)
    })
  })

  app.get('/health', c => c.json(governed.governor.stats()))

  app.onError((error, c) => {
    if (error instanceof HTTPException) return error.getResponse()
    if (error instanceof SyntaxError) return c.text('That is no JSON', 400)
    // The refusal of a body that proved too large is the adapter's to answer, and no reason for a stack.
    if (!isPlimsollError(error)) console.error(error)
    return c.text('Internal Server Error', 500)
  })

  return { app, governor: governed.governor }
}
