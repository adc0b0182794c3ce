import { fileURLToPath } from 'node:url'
import type { Scenario } from './scenarios.ts'
import type { Tuning } from './tuning.ts'

/** A server to be flooded: what starts it, and how its clients talk to it. */
export interface FloodServer extends Program {
  readonly routes: Routes
  /** What stands behind it, outside of its cage: the objects it serves are stored there. */
  readonly upstream?: Program
}

/** Prints {"listening":port}. A flooded one knows --budget and --ungoverned too. */
export interface Program {
  readonly module: string
  readonly args: (given: Given) => string[]
}

export interface Given {
  readonly storage: 'disk' | 'memory'
  readonly directory: string
  /** 0 where there is no upstream. */
  readonly upstreamPort: number
}

/** Where the load goes; `:key` stands for an object's name. */
export interface Routes {
  readonly upload: {
    readonly method: 'PUT' | 'POST'
    readonly path: string
    /** Where the object is a file in a multipart form. */
    readonly form?: { readonly field: string; readonly type: string }
  }
  readonly download: string
}

export const frameworkNames = { fastify: 'Fastify 5', express: 'Express 5', koa: 'Koa 3' } as const
export type Framework = keyof typeof frameworkNames
export const frameworks = Object.keys(frameworkNames) as Framework[]

export const objectStoreRoutes: Routes = {
  upload: { method: 'PUT', path: '/objects/:key' },
  download: '/objects/:key',
}

const objectStores: Readonly<Record<Framework, FloodServer>> = {
  fastify: objectStore(import.meta.resolve('@plimsoll/example-object-store/src/server.ts')),
  express: objectStore(new URL('./servers/object-store-express.ts', import.meta.url)),
  koa: objectStore(new URL('./servers/object-store-koa.ts', import.meta.url)),
}

/** The same where somebody else says what its routes cost, or nobody does: the example does so itself. */
const plainStores: typeof objectStores = {
  ...objectStores,
  fastify: objectStore(new URL('./servers/plain-fastify.ts', import.meta.url)),
}

/** The examples that have floods of their own, by scenario. */
const examples: Readonly<Record<string, FloodServer>> = {
  images: expressUploads('/images', { field: 'image', type: 'image/png' }),
  files: expressUploads('/files', { field: 'file', type: 'application/octet-stream' }),
  proxied: {
    module: fileURLToPath(import.meta.resolve('@plimsoll/example-koa-downloads/src/server.ts')),
    args: ({ upstreamPort }) => ['--upstream', `http://127.0.0.1:${upstreamPort}`],
    routes: { upload: { method: 'PUT', path: '/files/:key' }, download: '/files/:key' },
    upstream: {
      module: fileURLToPath(import.meta.resolve('@plimsoll/example-koa-downloads/src/upstream.ts')),
      args: inDirectory,
    },
  },
}

const traced = objectStore(new URL('./servers/traced-fastify.ts', import.meta.url))

/** Whom a scenario floods: the object store, unless it is made for another example. */
export function serverFor(
  scenario: Scenario,
  framework: Framework,
  tuning: Tuning,
  isTraced = false,
): FloodServer {
  if (isTraced) return traced
  if (tuning.by !== 'hand') return plainStores[framework]
  return examples[scenario.name] ?? objectStores[framework]
}

/** Who runs so many of a server, and how it is told; the server itself where nobody does. */
export async function clustered(
  { module, args }: { readonly module: string; readonly args: readonly string[] },
  workers: number | undefined,
): Promise<[module: string, args: readonly string[]]> {
  if (workers === undefined) return [module, args]
  // Only here, since it brings a compiler.
  const { compiled } = await import('./compiled.ts')
  const primary = compiled(fileURLToPath(new URL('./servers/clustered.ts', import.meta.url)))
  return [primary, ['--workers', String(workers), '--module', compiled(module), ...args]]
}

function objectStore(module: string | URL): FloodServer {
  return {
    module: fileURLToPath(module),
    args: given => ['--storage', given.storage, ...inDirectory(given)],
    routes: objectStoreRoutes,
  }
}

function expressUploads(path: string, form: { field: string; type: string }): FloodServer {
  return {
    module: fileURLToPath(import.meta.resolve('@plimsoll/example-express-uploads/src/server.ts')),
    args: inDirectory,
    routes: { upload: { method: 'POST', path, form }, download: `${path}/:key` },
  }
}

function inDirectory({ directory }: Given): string[] {
  return ['--dir', directory]
}
