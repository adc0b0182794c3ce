import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { Test } from 'tap'

export interface Watched {
  /** All requests, in the order of their arrival. */
  readonly arrived: { method: string; url: string; expect: string | undefined }[]
  /** URLs of those that had to wait for their bytes. */
  readonly queued: string[]
}

/** Notes what this process is asked for over HTTP, and what has to wait, until the test is over. */
export function watchRequests(t: Test): Watched {
  const watched: Watched = { arrived: [], queued: [] }
  const onStart = (message: unknown): void => {
    const { method = '', url = '', headers } = (message as { request: IncomingMessage }).request
    watched.arrived.push({ method, url, expect: headers.expect })
  }
  const onQueued = (message: unknown): void => {
    watched.queued.push((message as { request: IncomingMessage }).request.url ?? '')
  }
  subscribe('http.server.request.start', onStart)
  subscribe('plimsoll:queued', onQueued)
  t.teardown(() => {
    unsubscribe('http.server.request.start', onStart)
    unsubscribe('plimsoll:queued', onQueued)
  })
  return watched
}
