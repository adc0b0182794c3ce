import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Server } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { Governor, reservationOf } from '@plimsoll/core'
import {
  type AgentOptions,
  agentCheck,
  type ConfigOptions,
  type FrontProxyValues,
  frontProxyValues,
  type LimitOptions,
  type Limits,
  limitsOf,
  maxconn,
  renderConfig,
  type ServerAddress,
} from '@plimsoll/haproxy'

const limits: LimitOptions = { budget: '1MiB', requestSize: '64KiB', workers: 1, proxies: 1 }
const governor = new Governor({ budget: limits.budget, maxBody: '128KiB' })
const server = createServer(
  governor.listener((req, res) => {
    const { bytes } = reservationOf(req)
    buffer(req).then(
      ({ length }) => res.end(JSON.stringify({ bytes, read: length })),
      () => res.destroy(),
    )
  }),
)

async function main(): Promise<void> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const options: AgentOptions = { port: 0, allow: ['127.0.0.0/8'], requestSize: limits.requestSize }
  const agent: Server = await agentCheck(governor, options)
  const agentPort = (agent.address() as AddressInfo).port
  const servers: readonly ServerAddress[] = [{ host: '127.0.0.1', port, agentPort }]
  const asked: ConfigOptions = { ...limits, servers, form: 'backends' }
  const { maxConnPerPod }: Limits = limitsOf(limits)
  const { frontproxy }: FrontProxyValues = frontProxyValues(limits)
  const answer = await text(connect(agentPort, '127.0.0.1'))
  if (!renderConfig(asked).includes(` maxconn ${frontproxy.maxConnPerPod} `))
    throw new Error(renderConfig(asked))
  if (answer !== `up ready 100% maxconn:${maxConnPerPod}\n`) throw new Error(answer)

  const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: Buffer.alloc(65536) })
  const { status } = response
  const seen = (await response.json()) as { bytes: number; read: number }
  agent.close()
  server.close()
  await governor.close()
  console.log(JSON.stringify({ status, ...seen, reserved: governor.stats().reserved }))
}
main()

/** Never called: the compiler says whether the types forbid what they should. */
export async function typos(): Promise<void> {
  // @ts-expect-error an unknown option
  await agentCheck(governor, { port: 0, allowed: [] })
  // @ts-expect-error a port is needed
  await agentCheck(governor, {})
  // @ts-expect-error servers are needed
  renderConfig(limits)
  // @ts-expect-error a server has a port
  renderConfig({ ...limits, servers: [{ host: 'a' }] })
  // @ts-expect-error all of it is needed
  maxconn({ budget: 1 })
}
