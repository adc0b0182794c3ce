import { once } from 'node:events'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Governor } from '@plimsoll/koa'
import type { Test } from 'tap'
import { type AppOptions, buildApp } from '../src/app.ts'
import { fileServer } from '../src/file-server.ts'

export interface Served {
  readonly url: string
  /** Of the folder that the upstream serves. */
  readonly dir: string
  /** What this server and its upstream have answered or are answering, in the order they were asked. */
  readonly answers: readonly ServerResponse[]
  readonly upstreamAnswers: readonly ServerResponse[]
  readonly upstream: Server
  /** Undefined where the server is ungoverned. */
  readonly governor: Governor
}

/** Runs `use` against a server and its upstream on real sockets, and then checks that nothing is kept. */
export async function serve(
  t: Test,
  {
    upstream = fileServer,
    ...options
  }: Omit<AppOptions, 'upstream'> & { upstream?: (dir: string) => Server },
  use: (served: Served) => Promise<unknown>,
): Promise<void> {
  const dir = t.testdir()
  const behind = await listening(t, upstream(dir))
  const { app, governor } = await buildApp({ budget: '64MiB', upstream: behind.url, ...options })
  const before = await listening(t, app.listen(0, '127.0.0.1'))
  await use({
    url: before.url,
    dir,
    answers: before.answers,
    upstreamAnswers: behind.answers,
    upstream: behind.server,
    governor: governor as Governor,
  })
  // However each download ended, its connection to the upstream is used again or closed.
  await until(() => behind.answers.every(answer => answer.closed || answer.writableFinished))
  if (governor === undefined) return
  await until(() => governor.budget.reserved === 0)
  t.equal(governor.budget.waiting, 0, 'nobody stays in the queue')
}

export async function listening(t: Test, server: Server) {
  const answers: ServerResponse[] = []
  server.on('request', (_req, res) => answers.push(res))
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, answers, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** What never comes true ends in the test runner's own timeout. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await nextTurn()
}
