import type { Server } from 'node:http'
import type { Http2Server } from 'node:http2'
import { named } from '../named.ts'
import { express } from './frameworks/express.ts'
import { fastify } from './frameworks/fastify.ts'
import { koa } from './frameworks/koa.ts'
import { nodeHttp } from './frameworks/node-http.ts'
import type { InFront } from './in-front.ts'

export const protocols = ['HTTP/1', 'HTTP/2'] as const
export type Protocol = (typeof protocols)[number]

export interface Contender {
  readonly framework: string
  readonly inFront: InFront
}

/** Listens on a free port of the loopback. */
export type Serve = (inFront: InFront, protocol: Protocol) => Promise<Server | Http2Server>

interface Framework {
  readonly name: string
  readonly serve: Serve
  readonly protocols: readonly Protocol[]
  /** The plain server before those that are compared with it. */
  readonly inFront: readonly InFront[]
}

export const frameworks: readonly Framework[] = [
  {
    name: 'Fastify 5',
    serve: fastify,
    protocols,
    inFront: ['plain', 'plimsoll', 'observing', 'under-pressure'],
  },
  {
    name: 'Express 5',
    serve: express,
    // Express speaks no other.
    protocols: ['HTTP/1'],
    inFront: ['plain', 'plimsoll', 'observing', 'overload-protection'],
  },
  {
    name: 'Koa 3',
    serve: koa,
    protocols,
    inFront: ['plain', 'plimsoll', 'observing', 'overload-protection'],
  },
  {
    name: 'node:http',
    serve: nodeHttp,
    protocols,
    inFront: ['plain', 'plimsoll', 'observing', 'overload-protection'],
  },
]

/** @throws where there is none of this name */
export function frameworkNamed(name: string): Framework {
  return named('--framework', name, frameworks)
}
