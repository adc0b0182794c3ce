import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Exchange } from '../framework.ts'

const heads = new WeakMap<object, Buffer>()
const webSockets = new WebSocketServer({ noServer: true })

/** Sends upgrades the way of any request: so they are governed, and answered where they are refused. */
export function routeUpgrades(server: Server): void {
  server.on('upgrade', (req, socket, head) => {
    const res = new ServerResponse(req)
    res.assignSocket(socket as Socket)
    heads.set(req, head)
    server.emit('request', req, res)
  })
}

/** Opens a WebSocket where a request has come that way. */
export function acceptWebSocket(exchange: Exchange, opened: (webSocket: WebSocket) => void): void {
  const req = exchange.req as IncomingMessage
  const { socket } = req
  exchange.hijack?.()
  ;(exchange.res as ServerResponse).detachSocket(socket)
  webSockets.handleUpgrade(req, socket, heads.get(req) as Buffer, opened)
}
