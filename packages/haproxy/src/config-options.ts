import { checkObject, checkOptions, checkWhole, optionError } from '@plimsoll/core'
import { checkBind, checkHost, checkPath, checkPort, isName } from './addresses.ts'
import { LIMIT_KEYS, type LimitOptions, type Limits, limitsOf } from './limits.ts'

/** A pod, or whatever else runs a governed server. */
export interface ServerAddress {
  /** A name or an IP address. Names are looked up again and again, as `/etc/resolv.conf` says. */
  readonly host: string
  /** From 1. */
  readonly port: number
  /** Where its `agentCheck` listens, on the same host. Default: none, and limits stay as they are written. */
  readonly agentPort?: number
}

/** What a configuration is made from. */
export interface ConfigOptions extends LimitOptions {
  /** At least one, in the order of their names: `pod1`, `pod2`. */
  readonly servers: readonly ServerAddress[]
  /** Where HAProxy listens. Default `':8080'`. */
  readonly bind?: string
  /**
   * `'whole'` (default), or `'backends'`: without `global` and `frontend`, to stand beside others. The rules that a frontend
   * needs are there as a comment.
   */
  readonly form?: 'whole' | 'backends'
  /** A route that answers 200 while the process lives; exempt. Default `'/healthz'`. */
  readonly healthPath?: string
  /** Starts of paths whose answers are large though their requests have no body. Default: none. */
  readonly largePaths?: readonly string[]
  /**
   * Clients' connections at once, from 1. Default: as many as HAProxy may have files for (`ulimit -n`, two each). One takes it
   * some 35 KiB. With more than it may have files for it does not start.
   */
  readonly clients?: number
  /** A Unix socket for operators, as a path. Default: none. */
  readonly statsSocket?: string
}

/** A server as HAProxy's line has it. */
export interface ResolvedServer {
  readonly name: string
  /** With its port. */
  readonly address: string
  readonly agentPort: number | undefined
  readonly named: boolean
}

export interface ResolvedConfig {
  readonly limits: Limits
  readonly servers: readonly ResolvedServer[]
  readonly bind: string
  readonly form: 'whole' | 'backends'
  readonly healthPath: string
  readonly largePaths: readonly string[]
  readonly clients: number | undefined
  readonly statsSocket: string | undefined
}

const KEYS = [...LIMIT_KEYS, 'servers', 'bind', 'form', 'healthPath', 'largePaths', 'clients', 'statsSocket']

/** @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong */
export function resolveConfigOptions(options: ConfigOptions): ResolvedConfig {
  checkOptions(options, KEYS, 'options')
  const { servers, bind = ':8080', form = 'whole', healthPath = '/healthz', largePaths = [] } = options
  const { clients, statsSocket } = options
  if (form !== 'whole' && form !== 'backends') throw optionError('form', "'whole' or 'backends'", form)
  if (!Array.isArray(servers) || servers.length === 0)
    throw optionError('servers', 'a list of at least one', servers)
  if (!Array.isArray(largePaths)) throw optionError('largePaths', 'a list of paths', largePaths)
  return {
    limits: limitsOf(options),
    servers: servers.map(resolveServer),
    bind: checkBind(bind, 'bind'),
    form,
    healthPath: checkPath(healthPath, 'healthPath'),
    largePaths: largePaths.map((path, index) => checkPath(path, `largePaths[${index}]`)),
    clients: clients === undefined ? undefined : checkWhole(clients, 'clients', 1_000_000, 1),
    statsSocket: statsSocket === undefined ? undefined : checkPath(statsSocket, 'statsSocket'),
  }
}

function resolveServer(server: ServerAddress, index: number): ResolvedServer {
  const option = `servers[${index}]`
  checkObject(server, option)
  checkOptions(server, ['host', 'port', 'agentPort'], option)
  const host = checkHost(server.host, `${option}.host`)
  const { agentPort } = server
  return {
    name: `pod${index + 1}`,
    address: `${host}:${checkPort(server.port, `${option}.port`)}`,
    agentPort: agentPort === undefined ? undefined : checkPort(agentPort, `${option}.agentPort`),
    named: isName(host),
  }
}
