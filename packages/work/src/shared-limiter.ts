import { checkOptions, checkWhole, optionError } from '@plimsoll/core'
import { Limiter } from './limiter.ts'

/**
 * A limit for all calls in a process that name it. The oldest of them is served first, and calls of one request are as old
 * as its first; a later call has the places that no older one can use. So an old call may keep all of them for as long as it
 * has tasks, unless its own `concurrency` is below this one.
 */
export interface SharedOptions {
  /** Whoever gives the same name shares the limit. One of a few constants: names are kept. */
  readonly name: string
  /** How many tasks of all calls together run at once, from 1. */
  readonly concurrency: number
  /** How many more may wait, from 0. A call counts for as many as it may run at once, and has. Default 1000. */
  readonly queueLimit?: number
}

/** A limiter, and how many jobs may be in it. */
export interface ResolvedShared {
  readonly limiter: Limiter
  readonly concurrency: number
  readonly most: number
}

/** So many names there may be: more are made up at each call, and would be kept for ever. */
const MOST_NAMES = 1000

// One in a process, also where two copies of this package are loaded.
const SHARED = Symbol.for('plimsoll.limiters')
const registry = globalThis as { [SHARED]?: Map<string, ResolvedShared> }

/**
 * The limiter of that name, made where there is none.
 *
 * @throws `ERR_PLIMSOLL_OPTION` naming the option that is wrong, also where the name has other figures already
 */
export function resolveShared(options: SharedOptions): ResolvedShared {
  checkOptions(options, ['name', 'concurrency', 'queueLimit'], 'shared')
  const { name, concurrency, queueLimit = 1000 } = options
  if (typeof name !== 'string' || name === '') throw optionError('shared.name', 'a name', name)
  checkWhole(concurrency, 'shared.concurrency', Number.MAX_SAFE_INTEGER, 1)
  const most = concurrency + checkWhole(queueLimit, 'shared.queueLimit', Number.MAX_SAFE_INTEGER)
  registry[SHARED] ??= new Map()
  const limiters = registry[SHARED]
  const known = limiters.get(name)
  if (known !== undefined) {
    if (known.concurrency !== concurrency || known.most !== most)
      throw optionError(`shared of the name "${name}"`, 'the same everywhere', { concurrency, queueLimit })
    return known
  }
  if (limiters.size >= MOST_NAMES) throw optionError('shared.name', `one of ${MOST_NAMES} at most`, name)
  const made = { limiter: new Limiter(concurrency), concurrency, most }
  limiters.set(name, made)
  return made
}
