const { plimsoll } = require('@plimsoll/fastify')
const Fastify = require('fastify')

const app = Fastify()
app.register(plimsoll, { budget: '1MiB' })
app.post('/', { config: { plimsoll: { maxBody: '128KiB' } } }, async request => ({
  bytes: request.plimsoll.bytes,
  read: JSON.stringify(request.body).length,
}))

async function main() {
  const response = await fetch(await app.listen({ port: 0, host: '127.0.0.1' }), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify('x'.repeat(65534)),
  })
  const { status } = response
  const seen = await response.json()
  await app.close()
  console.log(JSON.stringify({ status, ...seen, reserved: app.plimsoll.stats().reserved }))
}
main()
