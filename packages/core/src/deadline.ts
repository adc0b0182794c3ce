import type { HttpRequest } from './request-head.ts'

/** Fewer than none is what somebody has who counts down to a time that has passed. */
const MILLISECONDS = /^-?\d+(\.\d+)?$/

/** Timers of Node fire at once beyond this. */
const LONGEST_MS = 2 ** 31 - 1

/** When a request is to be over, on the clock of `performance.now()`. Made only where somebody sets one. */
export class Deadline {
  readonly #timer: ReturnType<typeof setTimeout>
  /** When it was first set: what policies say counts from there. */
  readonly since: number
  readonly #at: number
  #passed = false

  /** @param ms from `since` on */
  constructor(ms: number, passed: () => void, since = performance.now()) {
    this.since = since
    this.#at = since + ms
    this.#timer = setTimeout(
      () => {
        this.#passed = true
        passed()
      },
      Math.max(0, this.#at - performance.now()),
    ).unref()
  }

  /** Milliseconds until then, rounded up; 0 once it has passed. */
  get remainingMs(): number {
    // Timers may be early by a part of a millisecond.
    return this.#passed ? 0 : Math.max(0, Math.ceil(this.#at - performance.now()))
  }

  /** Whether `passed` was called. */
  get passed(): boolean {
    return this.#passed
  }

  /** It matters no more. */
  clear(): void {
    clearTimeout(this.#timer)
  }
}

/**
 * How long a request has from its admission on: what its policy says, or less where whoever called says so in a header
 * that is trusted. What is no number of milliseconds there says nothing.
 */
export function deadlineOf(
  { headers }: HttpRequest,
  policyMs: number | undefined,
  header: string | undefined,
): number | undefined {
  const told = header === undefined ? undefined : headers[header]
  if (typeof told !== 'string' || !MILLISECONDS.test(told)) return policyMs
  return Math.min(Math.max(0, Math.ceil(Number(told))), policyMs ?? LONGEST_MS)
}
