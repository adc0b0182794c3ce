import { setMaxListeners } from 'node:events'
import { noteTasks, type RequestReservation } from '@plimsoll/core'
import type { ResolvedFanOut } from './fan-out-options.ts'
import type { Job, Limiter, Line } from './limiter.ts'
import { listenForAbort } from './listen-for-abort.ts'
import type { CheckedTask, TaskSource } from './task.ts'
import { TaskBytes } from './task-bytes.ts'

/** One call of `fanOut`, from its first task to the last that is over. */
export class FanOut<T> {
  /** What the tasks have returned, in their order. */
  readonly results: Promise<T[]>
  /** Resolves when nothing of it runs any more, which may be later. */
  readonly idle: Promise<void>
  readonly #source: TaskSource<T>
  readonly #concurrency: number
  readonly #limiter: Limiter
  readonly #line: Line
  readonly #stopOnError: boolean
  readonly #reservation: RequestReservation | undefined
  readonly #bytes: TaskBytes | undefined
  readonly #signals: readonly AbortSignal[]
  // Not `AbortSignal.any`, which keeps what hangs on a source that lives on (nodejs/node 54614).
  readonly #controller = new AbortController()
  readonly #onAbort = (event: Event): void => this.#end((event.target as AbortSignal).reason)
  /** Those that wait for their turn. */
  readonly #waiting = new Set<Job>()
  readonly #values: T[] = []
  readonly #errors: unknown[] = []
  #resolve!: (values: T[]) => void
  #reject!: (error: unknown) => void
  #rest!: () => void
  #begun = 0
  #open = 0
  #pulling = false
  #exhausted = false
  #over = false

  constructor(
    source: TaskSource<T>,
    options: ResolvedFanOut,
    concurrency: number,
    limiter: Limiter,
    line: Line,
  ) {
    const { reservation, signal, stopOnError } = options
    this.#source = source
    this.#concurrency = concurrency
    this.#limiter = limiter
    this.#line = line
    this.#stopOnError = stopOnError
    this.#reservation = reservation
    this.#bytes = reservation && new TaskBytes(reservation)
    this.#signals = [reservation?.signal, signal].filter(signal => signal !== undefined)
    this.results = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.idle = new Promise(resolve => {
      this.#rest = resolve
    })
    // All tasks have it, and may listen.
    setMaxListeners(0, this.signal)
    listenForAbort(this.#signals, this.#onAbort)
    // To have made the tasks may be what has aborted it.
    for (const { aborted, reason } of this.#signals) if (aborted) this.#end(reason)
    this.#pull()
  }

  /** What its tasks are given. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Takes as many tasks as may run. */
  #pull(): void {
    while (!this.#over && !this.#pulling && !this.#exhausted && this.#open < this.#concurrency) {
      const next = this.#source.next()
      if (next instanceof Promise) this.#await(next)
      else this.#enqueue(next)
    }
    if (!this.#over && this.#exhausted && this.#open === 0) this.#succeed()
    if (!this.#over) return
    this.#bytes?.end()
    if (this.#open === 0) this.#rest()
  }

  async #await(next: Promise<CheckedTask<T> | undefined>): Promise<void> {
    this.#pulling = true
    try {
      this.#enqueue(await next)
    } catch (error) {
      // Whoever makes the tasks has failed, and it is not known what of them is missing.
      this.#end(error)
    }
    this.#pulling = false
    this.#pull()
  }

  #enqueue(task: CheckedTask<T> | undefined): void {
    if (this.#over) return
    if (task === undefined) {
      this.#exhausted = true
      return
    }
    const place = this.#begun++
    const job = async (): Promise<void> => {
      this.#waiting.delete(job)
      await this.#run(task, place)
      this.#open--
      this.#pull()
    }
    this.#open++
    this.#waiting.add(job)
    this.#limiter.run(job, this.#line)
  }

  async #run({ run, bytes }: CheckedTask<T>, place: number): Promise<void> {
    let has = false
    try {
      if (bytes > 0) has = (await this.#bytes?.take(bytes)) === true
      // It may have ended since this was to begin.
      if (this.#over) return
      if (this.#reservation !== undefined) noteTasks(this.#reservation, 1)
      this.#values[place] = await run(this.signal)
    } catch (error) {
      if (this.#stopOnError) this.#end(error)
      else this.#errors.push(error)
    } finally {
      if (has) this.#bytes?.give(bytes)
    }
  }

  #succeed(): void {
    this.#finish()
    if (this.#errors.length === 0) this.#resolve(this.#values)
    else this.#reject(new AggregateError(this.#errors, `${this.#errors.length} tasks have failed`))
  }

  /** Nothing is begun from here on. */
  #end(reason: unknown): void {
    if (this.#over) return
    this.#finish()
    for (const job of this.#waiting) if (this.#limiter.leave(job, this.#line)) this.#open--
    this.#waiting.clear()
    this.#controller.abort(reason)
    this.#source.close()
    this.#reject(reason)
    this.#pull()
  }

  #finish(): void {
    this.#over = true
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#onAbort)
  }
}
