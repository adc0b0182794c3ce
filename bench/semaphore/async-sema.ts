import { Sema } from 'async-sema'

/** `tryAcquire` + `release`, n times. */
export function pairs(n: number): void {
  const semaphore = new Sema(1_000)
  for (let i = 0; i < n; i++) {
    const token = semaphore.tryAcquire()
    semaphore.release(token)
  }
}

/** @returns the ms from the first release until the last of `waiters` in a queue has had its turn */
export async function grants(waiters: number): Promise<number> {
  const semaphore = new Sema(1, { capacity: waiters })
  await semaphore.acquire()
  let last: Promise<void> | undefined
  for (let i = 0; i < waiters; i++) last = turn(semaphore)
  const started = performance.now()
  semaphore.release()
  await last
  return performance.now() - started
}

async function turn(semaphore: Sema): Promise<void> {
  await semaphore.acquire()
  semaphore.release()
}
