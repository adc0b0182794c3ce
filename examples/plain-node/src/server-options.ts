import { parseArgs } from 'node:util'
import { PROTOCOLS, type Protocol } from './protocol.ts'

export interface ServerOptions {
  readonly protocol: Protocol
  readonly port: number
  readonly host: string
  readonly dir: string
  /** Bytes, or a string with a unit, or 'auto'. */
  readonly budget: string
  /** Bytes, or a string with a unit. */
  readonly maxBody: string
  /** Files in PEM. Without them a certificate is made. */
  readonly cert: string | undefined
  readonly key: string | undefined
}

/** @throws TypeError naming the option that is wrong */
export function resolveServerOptions(args: readonly string[]): ServerOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      protocol: { type: 'string', default: 'http' },
      port: { type: 'string', default: '3000' },
      host: { type: 'string', default: '127.0.0.1' },
      dir: { type: 'string', default: 'notebook' },
      budget: { type: 'string', default: 'auto' },
      'max-body': { type: 'string', default: '16MiB' },
      cert: { type: 'string' },
      key: { type: 'string' },
    },
  })
  const { protocol, port, host, dir, budget, 'max-body': maxBody, cert, key } = values
  if (!isProtocol(protocol)) throw new TypeError(`--protocol must be one of ${PROTOCOLS}, got ${protocol}`)
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new TypeError(`--port must be a number up to 65535, got ${port}`)
  }
  if ((cert === undefined) !== (key === undefined)) throw new TypeError('--cert and --key go together')
  return { protocol, port: Number(port), host, dir, budget, maxBody, cert, key }
}

function isProtocol(value: string): value is Protocol {
  return (PROTOCOLS as readonly string[]).includes(value)
}
