const { once } = require('node:events')
const { createServer } = require('node:http')
const { buffer } = require('node:stream/consumers')
const { Governor, reservationOf } = require('@plimsoll/core')
const { fanOut } = require('@plimsoll/work')

const governor = new Governor({ budget: '1MiB', maxBody: '128KiB' })
const server = createServer(
  governor.listener(async (req, res) => {
    const reservation = reservationOf(req)
    const tasks = [() => reservation.bytes, async () => (await buffer(req)).length]
    const [bytes, read] = await fanOut(tasks, { reservation })
    res.end(JSON.stringify({ bytes, read }))
  }),
)

async function main() {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const response = await fetch(`http://127.0.0.1:${server.address().port}`, {
    method: 'POST',
    body: Buffer.alloc(65536),
  })
  const { status } = response
  const seen = await response.json()
  server.close()
  await governor.close()
  console.log(JSON.stringify({ status, ...seen, reserved: governor.stats().reserved }))
}
main()
