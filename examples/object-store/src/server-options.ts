import { parseArgs } from 'node:util'

export interface ServerOptions {
  readonly port: number
  readonly host: string
  readonly storage: 'disk' | 'memory'
  readonly dir: string
  readonly governed: boolean
  readonly budget: string
  readonly bodyLimit: number
}

/**
 * The command line, then the environment (`--body-limit` is `OBJECT_STORE_BODY_LIMIT`), then the default.
 *
 * @throws {TypeError} naming the option that is wrong
 */
export function resolveServerOptions(argv: readonly string[], env: NodeJS.ProcessEnv): ServerOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      port: { type: 'string', default: env.OBJECT_STORE_PORT ?? '3000' },
      host: { type: 'string', default: env.OBJECT_STORE_HOST ?? '127.0.0.1' },
      storage: { type: 'string', default: env.OBJECT_STORE_STORAGE ?? 'disk' },
      dir: { type: 'string', default: env.OBJECT_STORE_DIR ?? 'objects' },
      budget: { type: 'string', default: env.OBJECT_STORE_BUDGET ?? 'auto' },
      ungoverned: { type: 'boolean', default: env.OBJECT_STORE_UNGOVERNED === '1' },
      'body-limit': { type: 'string', default: env.OBJECT_STORE_BODY_LIMIT ?? String(64 * 1024 * 1024) },
    },
  })
  if (values.storage !== 'disk' && values.storage !== 'memory') {
    throw new TypeError('--storage must be disk or memory')
  }
  if (values.ungoverned && values.budget !== 'auto') {
    throw new TypeError('--ungoverned and --budget exclude each other')
  }
  return {
    port: wholeNumber('--port', values.port, 0, 65_535),
    host: values.host,
    storage: values.storage,
    dir: values.dir,
    governed: !values.ungoverned,
    budget: values.budget,
    bodyLimit: wholeNumber('--body-limit', values['body-limit'], 1, Number.MAX_SAFE_INTEGER),
  }
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new TypeError(`${option} must be a whole number from ${min} to ${max}`)
  }
  return value
}
