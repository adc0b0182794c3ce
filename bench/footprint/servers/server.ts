import { mkdirSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { port: { type: 'string' }, dir: { type: 'string' } } })
/** What all three servers know from their command line. */
export const port = Number(values.port ?? 0)
export const directory = values.dir ?? '.'
mkdirSync(directory, { recursive: true })

/** So that no parser refuses what is to be measured. */
export const LARGEST = 2 ** 30

/** Bodies that are read whole stand beside each other here until as many are there as the client sends at once. */
const arrived: (() => void)[] = []

/** What every handler does with a string, and what joins one that a parser has only put side by side. */
function lookAt(body: unknown): void {
  if (typeof body === 'string') body.includes('\0')
}

/**
 * Holds a body that has been read until the last one has: only then are all in memory at one moment, in each run.
 * @returns what it was: asked at the end, so that it cannot be collected before
 */
export async function holdTogether(body: unknown, headers: IncomingHttpHeaders): Promise<{ held: string }> {
  lookAt(body)
  await new Promise<void>(resolve => {
    arrived.push(resolve)
    if (arrived.length >= Number(headers['x-together'] ?? 1)) for (const go of arrived.splice(0)) go()
  })
  return { held: typeof body }
}
