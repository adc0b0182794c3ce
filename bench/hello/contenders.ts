import type { Server } from 'node:http'
import { express } from './frameworks/express.ts'
import { fastify } from './frameworks/fastify.ts'
import { koa } from './frameworks/koa.ts'
import { nodeHttp } from './frameworks/node-http.ts'
import type { InFront } from './in-front.ts'

export interface Contender {
  readonly framework: string
  readonly inFront: InFront
  /** Listens on a free port. */
  readonly serve: (inFront: InFront) => Server | Promise<Server>
}

/** The plain server of each framework before those that are compared with it. */
export const contenders: readonly Contender[] = [
  ...on('Fastify 5', fastify, ['plain', 'plimsoll', 'observing', 'under-pressure']),
  ...on('Express 5', express, ['plain', 'plimsoll', 'observing']),
  ...on('Koa 3', koa, ['plain', 'plimsoll', 'observing']),
  ...on('node:http', nodeHttp, ['plain', 'plimsoll', 'observing']),
]

function on(framework: string, serve: Contender['serve'], all: readonly InFront[]): Contender[] {
  return all.map(inFront => ({ framework, inFront, serve }))
}
