import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type PlimsollOptions, plimsoll, type RoutePolicy, runOnce } from '@plimsoll/express'
import express, { type Express } from 'express'

const options: PlimsollOptions = { budget: '1MiB', queue: { limit: 10 } }
const policy: RoutePolicy = { cost: ({ declaredBytes = 0 }) => declaredBytes, maxBody: '128KiB' }
const governed = plimsoll(options)
const { governor } = governed

async function main(): Promise<void> {
  const app = express()
  app.use(runOnce())
  app.use(governed)
  app.use(express.raw({ limit: '128kb' }))
  app.post('/', plimsoll({ governor, ...policy }), (req, res) => {
    res.json({ bytes: req.plimsoll.bytes, read: req.body.length })
  })

  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: Buffer.alloc(65536),
  })
  const { status } = response
  const seen = (await response.json()) as { bytes: number; read: number }
  server.close()
  await governor.close()
  console.log(JSON.stringify({ status, ...seen, reserved: governor.stats().reserved }))
}
main()

/** Never called: the compiler says whether the types forbid what they should. */
export function typos(app: Express): void {
  // @ts-expect-error an unknown option
  plimsoll({ bugdet: '1MiB' })
  // @ts-expect-error an unknown key of a policy
  plimsoll({ governor, maxBdoy: '1MiB' })
  // @ts-expect-error a key left out is not one that is undefined
  plimsoll({ governor, cost: undefined })
  // @ts-expect-error a handler can't release early
  app.get('/release', req => req.plimsoll.release())
}
