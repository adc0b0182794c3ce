import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { buildSync } from 'esbuild'

/**
 * A server as it is deployed: one file of JavaScript, and what it imports from packages. What compiles it else is in memory
 * besides, some 20 MiB, and with workers once for each.
 *
 * @returns its path, where the same packages are found
 */
export function compiled(module: string): string {
  const [packages = '.'] = createRequire(module).resolve.paths('esbuild')?.filter(existsSync) ?? []
  const outfile = join(packages, '.cache/plimsoll-bench', `${basename(module, '.ts')}.mjs`)
  buildSync({
    entryPoints: [module],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  })
  return outfile
}
