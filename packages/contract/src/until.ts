import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'

/** Waits until `condition` holds; `what` says for the error what never came. */
export type Until = (condition: () => boolean, what: string | (() => string)) => Promise<void>

/** A guard against hanging, far beyond what anything here takes. */
const BOUND_MS = 60_000

export const until: Until = async (condition, what) => {
  const since = process.hrtime.bigint()
  for (let asked = 0; !condition(); asked++) {
    if (process.hrtime.bigint() - since > BigInt(BOUND_MS) * 1_000_000n) {
      throw new Error(`never came: ${typeof what === 'string' ? what : what()}`)
    }
    // Most conditions hold within a few turns; those that wait for a socket take longer.
    await (asked < 50 ? turn() : sleep(1))
  }
}

/** Lets all that is due by now happen: for what must not happen, and tells no event. */
export async function turns(): Promise<void> {
  for (let n = 0; n < 20; n++) await turn()
}
