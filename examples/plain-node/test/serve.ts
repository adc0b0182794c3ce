import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Governor, HttpServer } from '@plimsoll/core'
import type { Test } from 'tap'
import { buildApp } from '../src/app.ts'
import { certificateOf } from '../src/certificate.ts'
import { Notebook } from '../src/notebook.ts'
import { createServer, type Protocol } from '../src/protocol.ts'
import { gracefully } from '../src/shutdown.ts'
import { type Client, connect } from './client.ts'

export const CERTIFICATE = await certificateOf(undefined, undefined)

export interface Served {
  readonly governor: Governor
  readonly server: HttpServer
  readonly port: number
  readonly dir: string
  readonly client: Client
  readonly stop: () => Promise<void>
}

/** Runs `use` against a server on a real socket and then checks that it has kept nothing. */
export async function serve(
  t: Test,
  protocol: Protocol,
  budget: string,
  use: (served: Served) => Promise<unknown>,
): Promise<void> {
  const dir = t.testdir()
  const { governor, listener } = buildApp(await Notebook.in(dir), budget, '1MiB')
  const server = await createServer(protocol, listener, async () => CERTIFICATE)
  governor.attach(server)
  const stop = gracefully(server, governor)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect(protocol, port, CERTIFICATE.cert)
  try {
    await use({ governor, server, port, dir, client, stop })
    await until(() => governor.stats().active === 0)
    t.equal(governor.budget.reserved, 0, 'no bytes stay reserved')
    t.equal(governor.budget.waiting, 0, 'nobody stays in the queue')
  } finally {
    client.close()
    server.close()
  }
}

/** What never comes true ends in the test runner's own timeout. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(1)
}
