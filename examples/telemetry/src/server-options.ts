import { parseArgs } from 'node:util'

export interface ServerOptions {
  readonly port: number
  readonly host: string
  readonly budget: string
  readonly collector: string
}

/** @throws {TypeError} naming the option that is wrong */
export function resolveServerOptions(args: readonly string[]): ServerOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string', default: '3000' },
      host: { type: 'string', default: '127.0.0.1' },
      budget: { type: 'string', default: 'auto' },
      collector: { type: 'string', default: 'http://127.0.0.1:4318' },
    },
  })
  const { host, budget, collector } = values
  if (!URL.canParse(collector)) throw new TypeError('--collector must be a URL')
  const port = Number(values.port)
  if (!/^\d+$/.test(values.port) || port > 65_535) {
    throw new TypeError('--port must be a whole number from 0 to 65535')
  }
  return { port, host, budget, collector: collector.replace(/\/$/, '') }
}
