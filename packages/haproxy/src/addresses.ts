import { isIP, isIPv4 } from 'node:net'
import { checkWhole, optionError } from '@plimsoll/core'

/** Labels of letters, digits, hyphens and underscores, as resolvers take them. Nothing that HAProxy's parser would split. */
const NAME = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*$/

/** An absolute path, without what HAProxy reads as a quote, a comment, an escape or a variable. */
const PATH = /^\/[A-Za-z0-9/._~:@!&()*+,;=?%-]*$/

/**
 * A host as `server` lines take it, IPv6 in brackets. Everything else is refused, since what stands in it could be more of the
 * configuration.
 *
 * @throws `ERR_PLIMSOLL_OPTION`
 */
export function checkHost(value: unknown, option: string): string {
  if (typeof value === 'string') {
    // A zone would be a percent sign, which is no part of an address that HAProxy takes.
    if (isIP(value) === 6 && !value.includes('%')) return `[${value}]`
    if (isIPv4(value) || (NAME.test(value) && !/^[\d.]+$/.test(value))) return value
  }
  throw optionError(option, 'a host name or an IP address', value)
}

/** Whether it is a name that only a resolver knows. */
export function isName(host: string): boolean {
  return host !== 'localhost' && !host.startsWith('[') && !isIPv4(host)
}

/** @throws `ERR_PLIMSOLL_OPTION` */
export function checkPort(value: number, option: string): number {
  return checkWhole(value, option, 65_535, 1)
}

/**
 * Where HAProxy listens: `:8080`, `*:8080`, `10.0.0.1:8080`, `[::]:8080`.
 *
 * @throws `ERR_PLIMSOLL_OPTION`
 */
export function checkBind(value: unknown, option: string): string {
  const [, host = '', port = ''] = typeof value === 'string' ? (/^(.*):(\d{1,5})$/s.exec(value) ?? []) : []
  const bare = host.replace(/^\[(.*)\]$/s, '$1')
  const known = host === '' || host === '*' || isIPv4(host) || (bare !== host && isIP(bare) === 6)
  if (!known || !(Number(port) >= 1 && Number(port) <= 65_535) || bare.includes('%')) {
    throw optionError(option, 'an address with a port, such as ":8080" or "[::]:8080"', value)
  }
  return value as string
}

/** @throws `ERR_PLIMSOLL_OPTION` */
export function checkPath(value: unknown, option: string): string {
  if (typeof value !== 'string' || !PATH.test(value)) {
    throw optionError(option, 'a path from / on, of characters that need no quotes', value)
  }
  return value
}
