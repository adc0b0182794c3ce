import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { buildApp } from '../src/app.ts'
import { type Fault, faultsOf } from '../src/faults.ts'
import { suppliersServer } from '../src/suppliers.ts'

/** What goes on for as long is never over within a test. */
const FOR_EVER_MS = 2 ** 31 - 1

/** Suppliers, and what they are asked. */
export class Suppliers {
  readonly #server: Server
  asked = 0
  /** Answers that are under way. */
  open = 0
  mostOpen = 0
  connections = 0

  private constructor() {
    this.#server = suppliersServer(FOR_EVER_MS).on('request', (_req, res) => {
      this.asked++
      this.open++
      this.mostOpen = Math.max(this.mostOpen, this.open)
      res.once('close', () => this.open--)
    })
    this.#server.on('connection', socket => {
      this.connections++
      socket.once('close', () => this.connections--)
    })
  }

  static async start(t: Test): Promise<Suppliers> {
    const suppliers = new Suppliers()
    const server = suppliers.#server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => {
      server.close()
      server.closeAllConnections()
    })
    return suppliers
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }
}

export async function serve(
  t: Test,
  suppliers: Suppliers,
  faults: readonly Fault[],
  guarded: boolean,
): Promise<{ app: FastifyInstance; url: string }> {
  const budget = guarded ? { budget: '16MiB' } : {}
  const app = await buildApp({
    suppliers: suppliers.url,
    faults: faultsOf(faults.join(',')),
    guarded,
    ...budget,
  })
  t.teardown(() => app.close())
  return { app, url: await app.listen({ port: 0, host: '127.0.0.1' }) }
}

/** What never comes true ends in the test runner's own timeout. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2)
}
