import { ByteBudget } from '@plimsoll/core'

const BODY = 65_536

/** `tryAcquire` + `release`, n times. */
export function pairs(n: number): void {
  const budget = new ByteBudget({ capacity: 1_000 * BODY })
  for (let i = 0; i < n; i++) {
    const reservation = budget.tryAcquire(BODY)
    reservation?.release()
  }
}

/** @returns the ms from the first release until the last of `waiters` in a queue has had its turn */
export async function grants(waiters: number): Promise<number> {
  // Room for one, so that each release grants exactly one.
  const budget = new ByteBudget({ capacity: BODY, queue: { limit: waiters } })
  const held = budget.tryAcquire(BODY)
  let last: Promise<void> | undefined
  for (let i = 0; i < waiters; i++) last = turn(budget)
  const started = performance.now()
  held?.release()
  await last
  return performance.now() - started
}

async function turn(budget: ByteBudget): Promise<void> {
  const reservation = await budget.acquire(BODY)
  reservation.release()
}
