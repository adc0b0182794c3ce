import { optionError, PlimsollError } from '@plimsoll/core'
import { comeBackLater } from './come-back-later.ts'
import { FanOut } from './fan-out-call.ts'
import { type FanOutOptions, resolveFanOut } from './fan-out-options.ts'
import { heldLimiters, setHeldLimiters } from './held-limiters.ts'
import { Limiter } from './limiter.ts'
import { type Task, taskSource } from './task.ts'

/**
 * Runs tasks, no more than `concurrency` of them at once, and resolves to what they have returned, in their order.
 *
 * With a `reservation` it ends with the request: where the client leaves or the deadline passes, the signals of those
 * that run abort, what has not begun is never begun, and it rejects at once. What still runs then is held work: the
 * request keeps its bytes until it is over. The first task that fails ends the others in the same way.
 *
 * An async iterable is asked for a task when one can begin, and closed where the call ends before it does.
 *
 * Rejects (it never throws) with
 * - `ERR_PLIMSOLL_QUEUE_FULL` (503) at once, where an iterable has more tasks than `concurrency + queueLimit`, or where
 *   there is no place in what is `shared`; no task is begun then,
 * - `ERR_PLIMSOLL_NO_ROOM` (503), where a task declares bytes that are not free, and no other of the call holds any,
 * - `ERR_PLIMSOLL_CLIENT_GONE`, `ERR_PLIMSOLL_DEADLINE` (504), the reasons of the reservation's signal,
 * - `ERR_PLIMSOLL_RELEASED`, where the request is over or was never admitted,
 * - `ERR_PLIMSOLL_OPTION`, naming the option that is wrong; also where a task hands its signal to a call that shares what the
 *   task itself is in, and would wait for its own end,
 * - the reason of `signal`, and what a task throws; with `stopOnError: false` an `AggregateError` of all that was thrown.
 */
export async function fanOut<T>(
  tasks: Iterable<Task<T>> | AsyncIterable<Task<T>>,
  options: FanOutOptions = {},
): Promise<T[]> {
  const resolved = resolveFanOut(options)
  const { concurrency, queueLimit, bytes, reservation, signal, shared } = resolved
  // Before it tells that the request is over, since that may be why.
  reservation?.signal.throwIfAborted()
  if (reservation?.released) throw new PlimsollError('ERR_PLIMSOLL_RELEASED', 'The request is over')
  signal?.throwIfAborted()
  // It would wait for itself: for its own task to be over.
  const held = heldLimiters(signal)
  if (shared !== undefined && held.includes(shared.limiter))
    throw optionError('shared', 'of another name than that of the task it is in', options.shared)
  const source = taskSource(tasks, concurrency + queueLimit, bytes, reservation !== undefined)
  const most = Math.min(concurrency, shared?.concurrency ?? concurrency)
  const places = Math.min(most, source.count ?? most)
  const { limiter, most: limit } = shared ?? { limiter: new Limiter(most), most: places }
  const line = limiter.tryEnter(places, limit, reservation)
  if (line === undefined) {
    source.close()
    throw comeBackLater('ERR_PLIMSOLL_QUEUE_FULL', 'Too many tasks wait already', { limit })
  }
  const call = new FanOut(source, resolved, most, limiter, line)
  setHeldLimiters(call.signal, shared === undefined ? held : [...held, limiter])
  call.idle.then(() => limiter.exit(line))
  reservation?.hold(call.idle, resolved.name)
  return call.results
}
