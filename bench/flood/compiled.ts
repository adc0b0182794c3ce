import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { buildSync } from 'esbuild'

const require = createRequire(import.meta.url)
const { dependencies } = require('../package.json') as { dependencies: Record<string, string> }
/** What the file finds where it is; an example's own packages go into it, and so does their source. */
const external = Object.keys(dependencies).filter(name => !name.startsWith('@plimsoll/example-'))

/**
 * A server as it is deployed: one file of JavaScript, and what it imports from packages. What compiles it else is in memory
 * besides, some 20 MiB, and with workers once for each.
 *
 * @returns its path
 */
export function compiled(module: string): string {
  const [packages = '.'] = require.resolve.paths('esbuild')?.filter(existsSync) ?? []
  const outfile = join(packages, '.cache/plimsoll-bench', `${basename(module, '.ts')}.mjs`)
  buildSync({
    entryPoints: [module],
    outfile,
    bundle: true,
    external,
    // Such packages may be CommonJS.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url)",
    },
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  })
  return outfile
}
