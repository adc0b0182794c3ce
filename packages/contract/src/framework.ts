import type { Server } from 'node:http'
import type { Readable } from 'node:stream'
import type {
  AdapterOptions,
  Governor,
  HttpRequest,
  HttpResponse,
  RequestReservation,
  RoutePolicy,
} from '@plimsoll/core'
import type { WebSocket } from 'ws'

/** A framework under test, in one of its majors: how to start a server of it, governed by its adapter or not. */
export interface Framework {
  /** As people call it: `express 4`. */
  readonly name: string
  /** What its servers speak. Default `'http'`; `'https'` with the certificate of `certificate.ts`, `'http2'` without TLS. */
  readonly protocol?: 'http' | 'https' | 'http2'
  /** Whether it has a limit to bodies of its own, which the adapter keeps to. */
  readonly limited?: true
  /** Whether its users mount body parsers, so that a route may be `parsed`. */
  readonly parses?: true
  /** Whether its users open WebSockets by a route: see `Route.webSocket`. */
  readonly webSockets?: true
  /** Listens on a free port of 127.0.0.1. */
  serve(setup: Setup): Promise<Running>
}

export interface Setup {
  /** Left out: the server is not governed. */
  readonly options?: AdapterOptions
  readonly routes: readonly Route[]
}

export interface Route {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT'
  readonly path: string
  /** Of this route alone, over what the options say; `false` exempts it. */
  readonly policy?: RoutePolicy | false
  /** Nobody reads the body before the handler does, in a framework that otherwise would. */
  readonly unread?: true
  /** The parsers that the framework's users mount have read the body, each with its own limit: see `Exchange.parsed`. */
  readonly parsed?: true
  readonly handle: (exchange: Exchange) => unknown
  /** In place of `handle`, where the framework opens WebSockets. */
  readonly webSocket?: (webSocket: WebSocket, reservation: RequestReservation) => void
}

/** One request, in the framework's own terms. */
export interface Exchange {
  readonly req: HttpRequest
  readonly res: HttpResponse
  /** What the adapter has put on the request. Undefined where the server is not governed. */
  readonly reservation: RequestReservation
  /** Reads the body whole as the framework's users do, whatever its type. */
  body(): Promise<Buffer>
  /** On a route that is parsed: what has become of the body. */
  parsed?(): unknown
  /** Answers as the framework's users do. */
  reply(answer: Answer): unknown
  /** Where the framework has to be told: that the handler writes its answer to `res` by itself. */
  hijack?(): void
}

export interface Answer {
  /** Default 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer | Readable
}

export interface Running {
  readonly server: Server
  readonly port: number
  /** Undefined where the server is not governed. */
  readonly governor: Governor
  /** Cuts what is still open. */
  stop(): Promise<void>
}
