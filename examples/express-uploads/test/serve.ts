import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Governor } from '@plimsoll/express'
import type { Test } from 'tap'
import { type AppOptions, buildApp } from '../src/app.ts'

export interface Served {
  readonly server: Server
  /** Without a slash at its end. */
  readonly url: string
  readonly dir: string
  /** Undefined where the server is ungoverned. */
  readonly governor: Governor
}

/** Runs `use` against a server on a real socket and then checks that it has kept nothing. */
export async function serve(
  t: Test,
  options: Omit<AppOptions, 'dir'>,
  use: (served: Served) => Promise<unknown>,
): Promise<void> {
  const dir = t.testdir()
  const { app, governor } = await buildApp({ dir, budget: '64MiB', ...options })
  // Or Express's own last handler prints what it cuts off.
  app.set('env', 'test')
  const server = createServer(app).listen(0, '127.0.0.1')
  governor?.attach(server)
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await use({ server, url, dir, governor: governor as Governor })
  if (governor === undefined) return
  // What a client has read to its end the server may have still to finish.
  await until(() => governor.budget.reserved === 0)
  t.equal(governor.budget.waiting, 0, 'nobody stays in the queue')
}

/** What never comes true ends in the test runner's own timeout. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await nextTurn()
}
