import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { Governor, isPlimsollError, reservationOf } from '@plimsoll/core'
import { amplification, type FanOutOptions, fanOut, type RouteAmplification, type Task } from '@plimsoll/work'

const governor = new Governor({ budget: '1MiB', maxBody: '128KiB', deadlineMs: 30_000 })
const server = createServer(
  governor.listener((req, res) => {
    const reservation = reservationOf(req)
    const options: FanOutOptions = { reservation, concurrency: 2, shared: { name: 'app', concurrency: 10 } }
    const reading: Task<number> = Object.assign(async () => (await buffer(req)).length, { bytes: '64KiB' })
    fanOut([() => reservation.bytes, reading], options).then(
      ([bytes, read]) => res.end(JSON.stringify({ bytes, read })),
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
  const { reserved } = governor.stats()
  console.log(JSON.stringify({ status, ...seen, reserved }))
}
main()

/** Never called: the compiler says whether the types forbid what they should. */
export async function typos(): Promise<readonly RouteAmplification[]> {
  // @ts-expect-error a task is a function
  await fanOut([1])
  // @ts-expect-error an unknown option
  await fanOut([], { limit: 1 })
  // @ts-expect-error a limit that is shared has a name
  await fanOut([], { shared: { concurrency: 1 } })
  // @ts-expect-error what is declared is a size
  await fanOut([Object.assign(() => 1, { bytes: true })])
  return amplification(governor.report())
}
