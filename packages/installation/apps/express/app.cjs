const { once } = require('node:events')
const { plimsoll } = require('@plimsoll/express')
const express = require('express')

const app = express()
const governed = plimsoll({ budget: '1MiB' })
app.use(governed)
app.use(express.raw({ limit: '128kb' }))
app.post('/', (req, res) => {
  res.json({ bytes: req.plimsoll.bytes, read: req.body.length })
})

async function main() {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const response = await fetch(`http://127.0.0.1:${server.address().port}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: Buffer.alloc(65536),
  })
  const { status } = response
  const seen = await response.json()
  server.close()
  await governed.governor.close()
  console.log(JSON.stringify({ status, ...seen, reserved: governed.governor.stats().reserved }))
}
main()
