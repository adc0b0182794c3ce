import type { AdapterOptions } from '@plimsoll/core'
import type { Framework, Running } from '../framework.ts'
import { Journal, type Page } from './journal.ts'
import { routesOf } from './routes.ts'
import type { Protocol, Session, Transcript } from './session.ts'

/** What came of a session: for its client, and for the handlers. */
export interface Outcome extends Transcript {
  readonly pages: Readonly<Record<string, Page>>
}

/** One of the two servers under comparison. */
export class Side<S extends Session> {
  readonly running: Running
  readonly #protocol: Protocol<S>
  readonly #journal: Journal

  private constructor(running: Running, protocol: Protocol<S>, journal: Journal) {
    this.running = running
    this.#protocol = protocol
    this.#journal = journal
  }

  /** @param options left out: not governed */
  static async of<S extends Session>(
    framework: Framework,
    protocol: Protocol<S>,
    options?: AdapterOptions,
  ): Promise<Side<S>> {
    const journal = new Journal()
    const routes = routesOf(framework, journal)
    const running = await framework.serve({ routes, ...(options && { options }) })
    journal.follow(running.server)
    return new Side(running, protocol, journal)
  }

  async play(session: S, patienceMs: number): Promise<Outcome> {
    const { transcript, port } = await this.#protocol.play(session, this.running.port, patienceMs)
    return { ...transcript, pages: await this.#journal.of(port) }
  }
}
