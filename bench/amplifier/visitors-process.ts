import { type VisitorReport, visit } from './visitors.ts'

/** What the bench hears: how many useful answers there are by now, and at the end what became of all. */
export type VisitorMessage = { readonly useful: number } | { readonly report: VisitorReport }

const [port, seconds, perSecond] = process.argv.slice(2).map(Number) as [number, number, number]
let useful = 0
const report = await visit(port, seconds, perSecond, () => {
  useful++
  if (useful % 10 === 0) process.send?.({ useful } satisfies VisitorMessage)
})
process.send?.({ report } satisfies VisitorMessage, () => process.exit())
