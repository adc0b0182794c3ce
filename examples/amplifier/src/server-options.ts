import { parseArgs } from 'node:util'
import { type Faults, faultsOf } from './faults.ts'

export interface ServerOptions {
  readonly port: number
  readonly host: string
  readonly suppliers: string
  readonly faults: Faults
  readonly guarded: boolean
  readonly budget: string
}

/** @throws {TypeError} naming the option that is wrong */
export function resolveServerOptions(args: readonly string[]): ServerOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string', default: '3000' },
      host: { type: 'string', default: '127.0.0.1' },
      suppliers: { type: 'string', default: 'http://127.0.0.1:4000' },
      faults: { type: 'string', default: 'all' },
      guarded: { type: 'boolean', default: false },
      budget: { type: 'string', default: 'auto' },
    },
  })
  const { host, suppliers, guarded, budget } = values
  if (!URL.canParse(suppliers)) throw new TypeError('--suppliers must be a URL')
  if (!guarded && budget !== 'auto') throw new TypeError('--budget needs --guarded')
  const port = Number(values.port)
  if (!/^\d+$/.test(values.port) || port > 65_535) {
    throw new TypeError('--port must be a whole number from 0 to 65535')
  }
  return {
    port,
    host,
    suppliers: suppliers.replace(/\/$/, ''),
    faults: faultsOf(values.faults),
    guarded,
    budget,
  }
}
