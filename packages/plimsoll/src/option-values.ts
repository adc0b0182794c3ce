import { parseByteSize } from '@plimsoll/core'
import type { ServerAddress } from '@plimsoll/haproxy'
import { InvalidArgumentError } from 'commander'

/** A size on the command line; digits alone are bytes. */
export function sizeOption(text: string): number {
  try {
    const bytes = parseByteSize(/^\d+$/.test(text) ? Number(text) : text)
    if (bytes > 0) return bytes
  } catch {
    // Said below, with the name of the option.
  }
  throw new InvalidArgumentError('It must be a size above 0, such as 512MiB, 1.5Gi or 64MB.')
}

/** A count on the command line, from 1. */
export function countOption(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0
  if (count < 1 || count > MOST) {
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST}.`)
  }
  return count
}

const MOST = 1_000_000

/** Servers on the command line, one after the other: `store-0.store:3000:9000`, or without an agent, `[::1]:3000`. */
export function serverOption(text: string, before: readonly ServerAddress[] = []): readonly ServerAddress[] {
  const [, name, address, port, agentPort] =
    /^(?:([^[\]:]+)|\[([^[\]]+)\]):(\d+)(?::(\d+))?$/.exec(text) ?? []
  const host = name ?? address
  if (host === undefined) {
    throw new InvalidArgumentError(
      'It must be a host with its port, such as store-0:3000 or [::1]:3000:9000.',
    )
  }
  const agent = agentPort === undefined ? {} : { agentPort: Number(agentPort) }
  return [...before, { host, port: Number(port), ...agent }]
}
