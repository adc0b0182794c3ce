import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer, type RequestListener } from 'node:http'
import type { Governor, PlimsollErrorCode, RefusedMessage } from '@plimsoll/core'
import type { Test } from 'tap'
import type { Running } from './framework.ts'
import { running } from './running.ts'
import { until } from './until.ts'

export interface Served extends Running {
  /** What has been refused, and how much of its connection had been read by then. */
  readonly refused: readonly { readonly code: PlimsollErrorCode; readonly bytesRead: number }[]
  /** Waits until nothing is held and nobody waits. */
  idle(): Promise<void>
}

/** Serves an application of some framework until the test is over; then nothing may be left of its requests. */
export async function serve(t: Test, app: RequestListener, governor: Governor): Promise<Served> {
  const server = createServer(app)
  governor.attach(server)
  const serving = await running(server, governor)
  const refused: Served['refused'][number][] = []
  const note = (message: unknown): void => {
    const { request, error } = message as RefusedMessage
    refused.push({ code: error.code, bytesRead: request.socket.bytesRead })
  }
  subscribe('plimsoll:refused', note)
  t.teardown(async () => {
    unsubscribe('plimsoll:refused', note)
    await serving.stop()
    await idle(governor)
  })
  return { ...serving, refused, idle: () => idle(governor) }
}

async function idle(governor: Governor): Promise<void> {
  const left = (): number[] => {
    const { active, waiting, reserved, paidIn } = governor.stats()
    return [active, waiting, reserved, paidIn, governor.budget.waiting]
  }
  await until(
    () => left().every(figure => figure === 0),
    () => `the release of everything, left are ${left()}`,
  )
}
