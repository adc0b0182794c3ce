import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type PlimsollOptions, plimsoll, type RequestReservation } from '@plimsoll/koa'
import Koa from 'koa'

const options: PlimsollOptions = { budget: '1MiB', queue: { limit: 10 }, maxBody: '128KiB' }
const governed = plimsoll(options)
const { governor } = governed

async function main(): Promise<void> {
  const app = new Koa()
  app.use(governed)
  app.use(async ctx => {
    const reservation: RequestReservation = ctx.plimsoll
    ctx.body = { bytes: reservation.bytes, read: (await buffer(ctx.req)).length }
  })

  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: Buffer.alloc(65536) })
  const { status } = response
  const seen = (await response.json()) as { bytes: number; read: number }
  server.close()
  await governor.close()
  console.log(JSON.stringify({ status, ...seen, reserved: governor.stats().reserved }))
}
main()

/** Never called: the compiler says whether the types forbid what they should. */
export function typos(app: Koa): void {
  // @ts-expect-error an unknown option
  plimsoll({ bugdet: '1MiB' })
  // @ts-expect-error an unknown key of a policy
  plimsoll({ governor, maxBdoy: '1MiB' })
  // @ts-expect-error a key left out is not one that is undefined
  plimsoll({ governor, cost: undefined })
  // @ts-expect-error a handler can't release early
  app.use(ctx => ctx.plimsoll.release())
}
