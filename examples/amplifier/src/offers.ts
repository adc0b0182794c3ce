import type { Faults } from './faults.ts'

/** A piece of work, and the signal that ends it. */
export type Task<T> = (signal: AbortSignal) => Promise<T>

/** What a handler has at hand. Written by hand or guarded: that is all in which the two servers differ. */
export interface Means {
  /** Runs tasks, and resolves to what they return. */
  all<T>(tasks: readonly Task<T>[]): Promise<T[]>
  readonly fetch: typeof fetch
  read(response: Response): Promise<Buffer>
}

export const SUPPLIERS = ['north', 'east', 'south', 'west']
/** More than that no offer has. */
export const LIMIT = 128 * 1024
/** Who waits for longer is told so. */
export const DEADLINE_MS = 1500

/** What four suppliers want for a thing; those that have none are left out. */
export async function offersFor(
  thing: string,
  suppliersAt: string,
  faults: Faults,
  { all, fetch, read }: Means,
): Promise<Record<string, number>> {
  const fields = faults.has('useless-data') ? 'all' : 'price'
  const tasks = SUPPLIERS.map(supplier => async (signal: AbortSignal) => {
    const url = `${suppliersAt}/${supplier}/${encodeURIComponent(thing)}?fields=${fields}`
    const response = await fetch(url, faults.has('outlives-client') ? {} : { signal })
    if (!response.ok) {
      if (!faults.has('unread-bodies')) await response.body?.cancel()
      return []
    }
    const { price } = JSON.parse((await read(response)).toString()) as { price: number }
    return [[supplier, price] as const]
  })
  return Object.fromEntries((await all(tasks)).flat())
}
