import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { memoryUse } from '@plimsoll/core'
import { type AgentOptions, resolveAgentOptions } from './agent-options.ts'
import { type AgentSource, AgentState } from './agent-state.ts'

/** For so long an answer holds: a flood of connections asks for the same one. */
const ANSWER_HOLDS_MS = 20

/** For so long a connection may stay open to read its answer. */
const STAYS_MS = 1000

/** So many bytes that nobody asked for are read and dropped, so that closing does not take the answer with it. */
const MOST_READ = 4096

/**
 * Answers HAProxy's `agent-check` from the live budget, at each connection and whatever it sends: `up ready 75% maxconn:12`, or
 * `up drain` from the start of a shutdown, and while the container is near its limit. It does not keep the process running.
 *
 * @param governor whose state it tells
 * @returns the server, once it listens
 * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong; what `listen()` fails with
 */
export async function agentCheck(governor: AgentSource, options: AgentOptions): Promise<Server> {
  const { port, host, allowed, connections, ...bounds } = resolveAgentOptions(
    options,
    governor.stats().capacity,
  )
  const state = new AgentState(governor, bounds)
  const memory = memoryUse()
  const open = new Set<Socket>()
  let answer = ''
  let answeredAt = Number.NEGATIVE_INFINITY

  const server = createServer(socket => {
    // Whoever resets had nothing to tell.
    socket.on('error', () => {})
    // Undefined where it is gone already.
    const { remoteAddress } = socket
    if (remoteAddress === undefined || !allowed(remoteAddress)) {
      socket.resetAndDestroy()
      return
    }
    if (open.size >= connections) close(open.values().next().value as Socket)
    open.add(socket)
    const timer = setTimeout(() => close(socket), STAYS_MS).unref()
    socket.on('close', () => {
      clearTimeout(timer)
      open.delete(socket)
    })
    socket.on('data', () => {
      if (socket.bytesRead > MOST_READ) close(socket)
    })
    const now = performance.now()
    if (now - answeredAt >= ANSWER_HOLDS_MS) {
      answer = `${state.answer(memory.read(), now)}\n`
      answeredAt = now
    }
    socket.end(answer)
  })

  function close(socket: Socket): void {
    // At once: it is among the open ones until its 'close', and others come before that.
    open.delete(socket)
    socket.destroy()
  }

  server.unref()
  server.listen(port, host)
  await once(server, 'listening')
  // A connection that could not be accepted is no reason to end a server.
  server.on('error', () => {})
  return server
}
