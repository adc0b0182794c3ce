import { once } from 'node:events'
import type { Server, ServerResponse } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import { optionError } from './errors.ts'
import type { Governor } from './governor.ts'
import { checkDuration, checkOptions } from './options.ts'

/** How a shutdown goes. */
export interface ShutdownOptions {
  /**
   * How long it goes on as before, but not ready and without keeping connections, until all who balance load have turned
   * away, in milliseconds. Default 5000; 0 where nobody does.
   */
  readonly drainMs?: number
  /** How long requests may take that are under way then, in milliseconds. Default 30_000. */
  readonly timeoutMs?: number
}

/** What has an HTTP/1 server and closes it: a Fastify instance. */
export interface ServerOwner {
  /** The one that listens. */
  readonly server: Server | SecureServer
  /** Closes it, and what depends on it. */
  close(): PromiseLike<unknown>
}

/** An HTTP/1 server, or what has one and closes it. */
export type ClosingServer = Server | SecureServer | ServerOwner

/** For the last connections that hold nothing: half a head, or an answer to a refusal that is read still. */
const LINGER_MS = 1000

/**
 * Shuts a server down without losing what it was sent: it says that it is not ready and serves on (`drainMs`), then takes no
 * connection and refuses what comes or waits, and lets the admitted finish (`timeoutMs`). All connections are closed then,
 * but those that were upgraded (WebSockets): they are of whoever has upgraded them.
 *
 * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong
 * @throws `ERR_PLIMSOLL_CLOSE_TIMEOUT` where some were at it still and have been cut off
 */
export async function shutdown(
  governor: Governor,
  server: ClosingServer,
  options: ShutdownOptions = {},
): Promise<void> {
  const { drainMs, timeoutMs } = resolve(server, options)
  const http = 'server' in server ? server.server : server
  governor.drain()
  // Whoever keeps connections, as proxies do, would send a request on one of them at the moment it is closed.
  http.prependListener('request', (_request, response: ServerResponse) => {
    if (!response.headersSent) response.setHeader('Connection', 'close')
  })
  await after(drainMs)
  const closed = 'server' in server ? Promise.resolve(server.close()) : once(http.close(), 'close')
  // It is told at the end; nobody listens until then, which would end the process and those under way.
  closed.catch(() => {})
  try {
    await governor.close({ timeoutMs })
    await orLinger(closed)
  } finally {
    http.closeAllConnections()
    // An owner closes more than connections. A server waits for what was upgraded, too, and that may last.
    await ('server' in server ? closed : orLinger(closed))
  }
}

/**
 * The same at the first of these signals; a second one ends the process as it would without us.
 *
 * @param options `signals`: default SIGTERM, which Kubernetes, systemd and PM2 (`kill_signal`) send
 * @returns resolves or rejects as {@link shutdown}, once a signal came. Nothing keeps the process running then but what is yours
 */
export async function shutdownOnSignal(
  governor: Governor,
  server: ClosingServer,
  options: ShutdownOptions & { readonly signals?: readonly NodeJS.Signals[] } = {},
): Promise<void> {
  checkOptions(options, ['drainMs', 'timeoutMs', 'signals'], 'options')
  const { signals = ['SIGTERM'], ...how } = options
  if (!Array.isArray(signals) || signals.length === 0)
    throw optionError('signals', 'a list of signals', signals)
  resolve(server, how)
  await new Promise<void>(come => {
    const heard = (): void => {
      for (const signal of signals) process.off(signal, heard)
      come()
    }
    for (const signal of signals) process.on(signal, heard)
  })
  await shutdown(governor, server, how)
}

function resolve(server: ClosingServer, options: ShutdownOptions): Required<ShutdownOptions> {
  checkOptions(options, ['drainMs', 'timeoutMs'], 'options')
  const http = typeof server === 'object' && server !== null && 'server' in server ? server.server : server
  if (typeof (http as Partial<Server> | undefined)?.closeAllConnections !== 'function')
    throw optionError('server', 'an HTTP/1 server, or what has one and closes it', server)
  const { drainMs = 5000, timeoutMs = 30_000 } = options
  return {
    drainMs: checkDuration(drainMs, 'drainMs'),
    timeoutMs: checkDuration(timeoutMs, 'timeoutMs'),
  }
}

async function orLinger(closed: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const lingers = new Promise(resolve => {
    timer = setTimeout(resolve, LINGER_MS)
  })
  await Promise.race([closed, lingers]).finally(() => clearTimeout(timer))
}

function after(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
