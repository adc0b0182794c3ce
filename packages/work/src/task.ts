import { type ByteSize, optionError, parseByteSize } from '@plimsoll/core'
import { comeBackLater } from './come-back-later.ts'

/** A piece of work: begun when there is room for it, and never once its signal has aborted. */
export interface Task<T> {
  /** @param signal aborts when its result is wanted no more, with the reason */
  (signal: AbortSignal): PromiseLike<T> | T
  /** Bytes that it holds in the request's reservation while it runs. Default: the option `bytes`. */
  readonly bytes?: ByteSize
}

/** A task, checked. */
export interface CheckedTask<T> {
  readonly run: Task<T>
  readonly bytes: number
}

/** Tasks one after the other; undefined when there are no more. */
export interface TaskSource<T> {
  /** How many there are in all; undefined where nobody knows. */
  readonly count?: number
  next(): CheckedTask<T> | undefined | Promise<CheckedTask<T> | undefined>
  /** No more are asked for. */
  close(): void
}

type Check<T> = (task: Task<T>) => CheckedTask<T>

/**
 * What tasks are given as, so that they can be taken one by one: of an iterable all at once, and no more than `most`.
 *
 * @param ofBytes whether tasks may declare any
 * @throws `ERR_PLIMSOLL_QUEUE_FULL`, `ERR_PLIMSOLL_OPTION`
 */
export function taskSource<T>(
  tasks: Iterable<Task<T>> | AsyncIterable<Task<T>>,
  most: number,
  bytes: number,
  ofBytes: boolean,
): TaskSource<T> {
  const check: Check<T> = task => checkTask(task, bytes, ofBytes)
  if (isIterable(tasks, Symbol.asyncIterator)) return pulled(tasks as AsyncIterable<Task<T>>, check)
  if (isIterable(tasks, Symbol.iterator)) return collected(tasks as Iterable<Task<T>>, most, check)
  throw optionError('tasks', 'an iterable or async iterable of functions', tasks)
}

function isIterable(tasks: unknown, symbol: symbol): boolean {
  return typeof (tasks as Record<symbol, unknown> | null | undefined)?.[symbol] === 'function'
}

function checkTask<T>(task: Task<T>, ofAll: number, ofBytes: boolean): CheckedTask<T> {
  if (typeof task !== 'function') throw optionError('a task', 'a function', task)
  const bytes = task.bytes === undefined ? ofAll : parseByteSize(task.bytes, 'bytes')
  if (bytes > 0 && !ofBytes) throw optionError('bytes', '0 without a reservation', bytes)
  return { run: task, bytes }
}

function collected<T>(tasks: Iterable<Task<T>>, most: number, check: Check<T>): TaskSource<T> {
  const all: CheckedTask<T>[] = []
  for (const task of tasks) {
    if (all.length >= most)
      throw comeBackLater('ERR_PLIMSOLL_QUEUE_FULL', 'Too many tasks for one request', { limit: most })
    all.push(check(task))
  }
  const iterator = all.values()
  return { count: all.length, next: () => iterator.next().value, close() {} }
}

function pulled<T>(tasks: AsyncIterable<Task<T>>, check: Check<T>): TaskSource<T> {
  const iterator = tasks[Symbol.asyncIterator]()
  return {
    async next() {
      const { done, value } = await iterator.next()
      return done ? undefined : check(value)
    },
    close() {
      // It may clean up. What goes wrong then is told to nobody: the call has ended by something else.
      const returned = async (): Promise<unknown> => iterator.return?.()
      returned().catch(() => {})
    },
  }
}
