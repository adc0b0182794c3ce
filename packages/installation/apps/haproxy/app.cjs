const { once } = require('node:events')
const { createServer } = require('node:http')
const { connect } = require('node:net')
const { buffer, text } = require('node:stream/consumers')
const { Governor, reservationOf } = require('@plimsoll/core')
const { agentCheck, frontProxyValues } = require('@plimsoll/haproxy')

const governor = new Governor({ budget: '1MiB', maxBody: '128KiB' })
const server = createServer(
  governor.listener(async (req, res) => {
    const { bytes } = reservationOf(req)
    res.end(JSON.stringify({ bytes, read: (await buffer(req)).length }))
  }),
)

async function main() {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const agent = await agentCheck(governor, { port: 0 })
  const { frontproxy } = frontProxyValues({ budget: '1MiB', requestSize: '64KiB' })
  const answer = await text(connect(agent.address().port, '127.0.0.1'))
  if (answer !== `up ready 100% maxconn:${frontproxy.maxConnPerPod}\n`) throw new Error(answer)

  const response = await fetch(`http://127.0.0.1:${server.address().port}`, {
    method: 'POST',
    body: Buffer.alloc(65536),
  })
  const { status } = response
  const seen = await response.json()
  agent.close()
  server.close()
  await governor.close()
  console.log(JSON.stringify({ status, ...seen, reserved: governor.stats().reserved }))
}
main()
