import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { type AppOptions, buildApp } from '../src/app.ts'

export const MASTER_KEY = randomBytes(32)

export interface Served {
  readonly app: FastifyInstance
  readonly port: number
  /** Without a slash at its end. */
  readonly url: string
}

/** Runs `use` against a server on a real socket and then checks that it has kept nothing. */
export async function serve(
  t: Test,
  options: Partial<AppOptions> & Pick<AppOptions, 'storage'>,
  use: (served: Served) => Promise<unknown>,
): Promise<void> {
  const app = await buildApp({ masterKey: MASTER_KEY, budget: '64MiB', ...options })
  t.teardown(() => app.close())
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  await use({ app, url, port: Number(new URL(url).port) })
  await until(async () => (await metric(url, 'object_store_live_frames')) === 0)
  if (options.governed === false) return
  // What a client has read to its end the server may have still to finish.
  await until(() => app.plimsoll.budget.reserved === 0)
  t.equal(app.plimsoll.budget.reserved, 0, 'no bytes stay reserved')
  t.equal(app.plimsoll.budget.waiting, 0, 'nobody stays in the queue')
}

/** What never comes true ends in the test runner's own timeout. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await nextTurn()
}

export async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const line = text.split('\n').find(line => line.startsWith(`${name} `))
  return Number(line?.slice(name.length + 1))
}

export async function put(url: string, key: string, body: Buffer): Promise<Response> {
  return fetch(`${url}/objects/${encodeURIComponent(key)}`, { method: 'PUT', body: new Uint8Array(body) })
}

export async function get(url: string, key: string): Promise<Buffer> {
  const response = await fetch(`${url}/objects/${encodeURIComponent(key)}`)
  return Buffer.from(await response.arrayBuffer())
}
