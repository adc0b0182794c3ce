import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { Governor, reservationOf } from '@plimsoll/core'
import { agentCheck, renderConfig } from '@plimsoll/haproxy'

const governor = new Governor({ budget: '1MiB', maxBody: '128KiB' })
const server = createServer(
  governor.listener(async (req, res) => {
    const { bytes } = reservationOf(req)
    res.end(JSON.stringify({ bytes, read: (await buffer(req)).length }))
  }),
)
await once(server.listen(0, '127.0.0.1'), 'listening')
const { port } = server.address()
const agent = await agentCheck(governor, { port: 0 })
const agentPort = agent.address().port

const config = renderConfig({
  budget: '1MiB',
  requestSize: '64KiB',
  servers: [{ host: '127.0.0.1', port, agentPort }],
})
if (!config.includes(`server pod1 127.0.0.1:${port} agent-check agent-port ${agentPort}`))
  throw new Error(config)
const answer = await text(connect(agentPort, '127.0.0.1'))
if (answer !== 'up ready 100% maxconn:16\n') throw new Error(answer)

const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: Buffer.alloc(65536) })
const { status } = response
const seen = await response.json()
agent.close()
server.close()
await governor.close()
console.log(JSON.stringify({ status, ...seen, reserved: governor.stats().reserved }))
