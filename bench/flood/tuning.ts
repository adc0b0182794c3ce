import type { GovernorReport, LinearCost } from '@plimsoll/core'

/** What a governed server is told: a budget and costs by hand, nothing at all, or what a report has recommended. */
export type Tuning =
  | { readonly by: 'hand'; readonly budget: string }
  | { readonly by: 'nobody' }
  | { readonly by: 'report'; readonly advice: Advice }

/** What of a report the object store takes over. */
export interface Advice {
  readonly budget: number
  readonly upload: LinearCost
  readonly download: LinearCost
}

/** The command line of a server that is told so. */
export function argumentsOf(tuning: Tuning): string[] {
  switch (tuning.by) {
    case 'hand':
      return ['--budget', tuning.budget]
    case 'nobody':
      return ['--untuned']
    case 'report':
      return [`--advice=${JSON.stringify(tuning.advice)}`]
  }
}

/** @throws where one of the routes that are flooded is not in it */
export function adviceOf({ recommended, routes }: GovernorReport): Advice {
  const costOf = (method: string): LinearCost => {
    const row = routes.find(({ route }) => route.startsWith(`${method} /objects/`))
    if (row === undefined) throw new Error(`the report knows no route of ${method}`)
    return row.recommended.cost
  }
  return { budget: recommended.bytes, upload: costOf('PUT'), download: costOf('GET') }
}
