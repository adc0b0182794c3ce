interface Tracked extends NodeJS.Timeout {
  readonly _destroyed: boolean
}

const SOURCE = /packages\/(?!contract\/)[\w-]+\/src\//
const made = new Map<Tracked, string>()
const { setTimeout } = globalThis

// `process.getActiveResourcesInfo()` is silent about timers that were unrefed, and a leak of those is one too.
globalThis.setTimeout = Object.assign((...args: Parameters<typeof setTimeout>) => {
  const timer = setTimeout(...args) as Tracked
  const from = new Error().stack?.split('\n').find(line => SOURCE.test(line))
  if (from !== undefined) made.set(timer, from.trim())
  // Or this would be the leak.
  if (made.size > 100) forgetThoseOver()
  return timer
}, setTimeout)

function forgetThoseOver(): void {
  for (const timer of made.keys()) if (timer._destroyed) made.delete(timer)
}

/** Where the timers were set that core or an adapter has set and that are still running. */
export function ownTimers(): string[] {
  forgetThoseOver()
  return [...made.values()]
}

/** How many timers keep this process alive. */
export function activeTimers(): number {
  return process.getActiveResourcesInfo().filter(resource => resource === 'Timeout').length
}
