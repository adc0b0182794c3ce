import { parseArgs } from 'node:util'

export interface ServerOptions {
  readonly port: number
  readonly host: string
  readonly upstream: string
  readonly governed: boolean
  readonly budget: string
}

/** @throws {TypeError} naming the option that is wrong */
export function resolveServerOptions(args: readonly string[]): ServerOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string', default: '3000' },
      host: { type: 'string', default: '127.0.0.1' },
      upstream: { type: 'string', default: 'http://127.0.0.1:4000' },
      budget: { type: 'string' },
      ungoverned: { type: 'boolean', default: false },
    },
  })
  if (values.ungoverned && values.budget !== undefined) {
    throw new TypeError('--ungoverned and --budget exclude each other')
  }
  if (!URL.canParse(values.upstream) || new URL(values.upstream).protocol !== 'http:') {
    throw new TypeError('--upstream must be a URL of http')
  }
  const port = Number(values.port)
  if (!/^\d+$/.test(values.port) || port > 65_535) {
    throw new TypeError('--port must be a whole number from 0 to 65535')
  }
  const { host, upstream, ungoverned, budget = 'auto' } = values
  return { port, host, upstream, governed: !ungoverned, budget }
}
