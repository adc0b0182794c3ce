import { fileURLToPath } from 'node:url'

/** In the repository: what the README shows. */
export const committedResults = fileURLToPath(new URL('./results', import.meta.url))
/** Ignored by git: where a run that was only to be looked at leaves its figures. */
export const latestResults = fileURLToPath(new URL('./results/latest', import.meta.url))

export function resultsFolder(options: { out?: string; commitResults?: boolean }): string {
  return options.out ?? (options.commitResults ? committedResults : latestResults)
}
