import { type MixedLoad, sendMixed } from './mixed.ts'

/** The clients, a process of their own: `process.ts <load as JSON>`. */
const byStatus = await sendMixed(JSON.parse(process.argv[2] ?? '') as MixedLoad)
process.send?.(byStatus, () => process.exit())
