import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { suppliersServer } from './suppliers.ts'

const { values } = parseArgs({ options: { port: { type: 'string', default: '4000' } } })
const server = suppliersServer()
server.listen(Number(values.port), '127.0.0.1', () => {
  console.log(JSON.stringify({ listening: (server.address() as AddressInfo).port }))
})
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit())
