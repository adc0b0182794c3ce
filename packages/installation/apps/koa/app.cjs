const { once } = require('node:events')
const { buffer } = require('node:stream/consumers')
const { plimsoll } = require('@plimsoll/koa')
const Koa = require('koa')

const app = new Koa()
const governed = plimsoll({ budget: '1MiB', maxBody: '128KiB' })
app.use(governed)
app.use(async ctx => {
  ctx.body = { bytes: ctx.plimsoll.bytes, read: (await buffer(ctx.req)).length }
})

async function main() {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const response = await fetch(`http://127.0.0.1:${server.address().port}`, {
    method: 'POST',
    body: Buffer.alloc(65536),
  })
  const { status } = response
  const seen = await response.json()
  server.close()
  await governed.governor.close()
  console.log(JSON.stringify({ status, ...seen, reserved: governed.governor.stats().reserved }))
}
main()
