import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { serve as serveHono } from '@hono/node-server'
import type { Governor } from '@plimsoll/core'
import type { Hono } from 'hono'
import type { Test } from 'tap'

export const MiB = 2 ** 20

export interface Served {
  readonly url: string
  /** A request on a connection of its own, its head sent. */
  send(path: string, options?: RequestOptions): ClientRequest
}

/** Runs `use` against a server on a real socket and then checks that it has kept nothing. */
export async function serve(
  t: Test,
  { app, governor }: { app: Hono; governor: Governor },
  use: (served: Served) => Promise<unknown>,
): Promise<void> {
  const server = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  governor.attach(server)
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const requests: ClientRequest[] = []
  const send: Served['send'] = (path, options = {}) => {
    const sent = request(`${url}${path}`, { method: 'POST', agent: false, ...options })
    requests.push(sent)
    // Once the server has answered, it may close on what the client still sends.
    sent.on('error', () => {}).flushHeaders()
    return sent
  }
  try {
    await use({ url, send })
    await until(() => governor.stats().active === 0)
    t.equal(governor.budget.reserved, 0, 'no bytes stay reserved')
    t.equal(governor.budget.waiting, 0, 'nobody stays in the queue')
  } finally {
    for (const sent of requests) sent.destroy()
    server.close()
  }
}

export async function responseTo(sent: ClientRequest): Promise<IncomingMessage> {
  const [response] = await once(sent, 'response')
  return response
}

export async function statusOf(sent: ClientRequest): Promise<number | undefined> {
  const response = await responseTo(sent)
  await text(response)
  return response.statusCode
}

/** What never comes true ends in the test runner's own timeout. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(1)
}
