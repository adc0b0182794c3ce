import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

/** How often a stream without news says that it lives. */
const COMMENT_EVERY_MS = 2_000

/** Server-sent events of a server to which nothing happens: comments, so that proxies keep it open. */
export function idleEvents(): Readable {
  return Readable.from(comments())
}

async function* comments(): AsyncGenerator<string> {
  for (;;) {
    yield ': nothing new\n\n'
    await sleep(COMMENT_EVERY_MS, undefined, { ref: false })
  }
}
