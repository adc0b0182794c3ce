import type { GovernorReport } from '@plimsoll/core'
import { parseReport } from './parse-report.ts'
import { nameOf, readSource } from './read-source.ts'

/**
 * The report at a URL, in a file, or on the standard input (`-`).
 *
 * @param timeoutMs for a URL: until all of it is read
 * @throws CommandError saying why there is none
 */
export async function readReport(source: string, timeoutMs: number): Promise<GovernorReport> {
  return parseReport(await readSource(source, timeoutMs), nameOf(source))
}
