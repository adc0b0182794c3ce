import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { GovernorOptions, GovernorStats, RequestReservation } from '@plimsoll/core'
import { ByteBudget, Governor, isPlimsollError, reservationOf } from '@plimsoll/core'

const options: GovernorOptions = { budget: new ByteBudget({ capacity: '1MiB' }), maxBody: '256KiB' }
const governor = new Governor(options)
const server = createServer(
  governor.listener((req, res) => {
    const reservation: RequestReservation = reservationOf(req)
    const { bytes } = reservation
    buffer(req).then(
      body => res.end(JSON.stringify({ bytes, read: body.length })),
      (error: unknown) => res.writeHead(isPlimsollError(error) ? error.statusCode : 400).end(),
    )
  }),
)

async function main(): Promise<void> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: Buffer.alloc(65536) })
  const { status } = response
  const seen = (await response.json()) as { bytes: number; read: number }
  server.close()
  await governor.close()
  const { reserved }: GovernorStats = governor.stats()
  console.log(JSON.stringify({ status, ...seen, reserved }))
}
main()

/** Never called: the compiler says whether the types forbid what they should. */
export function typos(): void {
  // @ts-expect-error a size is a number or a string
  new Governor({ budget: true })
  // @ts-expect-error an unknown option
  new Governor({ bugdet: '1MiB' })
  // @ts-expect-error a key left out is not one that is undefined
  new Governor({ budget: undefined })
  // @ts-expect-error a handler can't release early
  new Governor().listener(req => reservationOf(req).release())
}
