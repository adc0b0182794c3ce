import { named } from '../named.ts'
import type { Contender } from './contender.ts'
import { asyncMutex } from './contenders/async-mutex.ts'
import { asyncSema } from './contenders/async-sema.ts'
import { bottleneck } from './contenders/bottleneck.ts'
import { byteBudget } from './contenders/byte-budget.ts'
import { pQueue } from './contenders/p-queue.ts'

/** Ours first. */
export const contenders: readonly Contender[] = [byteBudget, asyncSema, asyncMutex, pQueue, bottleneck]

/** @throws where there is none of this name */
export function contenderNamed(name: string): Contender {
  return named('--contender', name, contenders)
}
