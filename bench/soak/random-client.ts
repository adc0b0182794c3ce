import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { failure } from '../fairness/load/attempt.ts'
import type { ClientPlan } from './client-plan.ts'
import { parseFinalStatus } from './final-status.ts'

const pattern = Buffer.alloc(256 * 2 ** 10, 'x')

const PIECES_A_TURN = 32

/** Does as planned. @returns the last status that was read, or how else the connection ended */
export function runClient(port: number, plan: ClientPlan): Promise<string> {
  return new Promise(resolve => {
    const socket = net.connect({ port, host: '127.0.0.1' })
    let read = ''
    const leave = setTimeout(() => {
      if (plan.leaves === 'fin') socket.end()
      // Whoever half-closes and is never answered, too.
      if (plan.leaves === 'fin') setTimeout(() => socket.resetAndDestroy(), 1_000)
      else socket.resetAndDestroy()
    }, plan.leaveAfterMs)
    let ended = 'left'
    socket.on('error', error => {
      ended = failure(error)
    })
    socket.on('end', () => {
      ended = 'closed'
    })
    socket.on('close', () => {
      clearTimeout(leave)
      resolve(parseFinalStatus(read) ?? ended)
    })
    socket.on('data', (chunk: Buffer) => {
      if (read.length < 1_024) read += chunk.toString('latin1', 0, 1_024)
      if (plan.reads === 'all') return
      socket.pause()
      if (plan.reads === 'slowly') setTimeout(() => socket.resume(), 200)
    })
    send(socket, plan).catch(() => {})
  })
}

async function send(socket: net.Socket, { head, body, pieceBytes, pauseMs }: ClientPlan): Promise<void> {
  socket.write(head)
  if (!body) return
  for (let sent = 0, pieces = 0; sent < body.bytes && socket.writable; pieces++) {
    const piece = pattern.subarray(0, Math.min(pieceBytes, body.bytes - sent))
    sent += piece.length
    const goOn = body.chunked ? writeChunk(socket, piece) : socket.write(piece)
    if (!goOn) await once(socket, 'drain')
    if (pauseMs > 0) await sleep(pauseMs)
    // The kernel takes small pieces at once, and all other clients would stand still for minutes.
    else if (pieces % PIECES_A_TURN === 0) await turn()
  }
  if (body.chunked && socket.writable) socket.write('0\r\n\r\n')
}

function writeChunk(socket: net.Socket, piece: Buffer): boolean {
  socket.write(`${piece.length.toString(16)}\r\n`)
  socket.write(piece)
  return socket.write('\r\n')
}
