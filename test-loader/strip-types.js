import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const STRIPPER = '@swc/wasm-typescript'
const cache = fileURLToPath(new URL('../node_modules/.cache/stripped/', import.meta.url))
await mkdir(cache, { recursive: true })
// With its version, by pnpm.
const stripper = createRequire(import.meta.url).resolve(STRIPPER)

/** Types become blanks: coverage and stacks have the positions of the source without a source map. */
export const load = async (url, context, next) => {
  const { protocol, pathname } = new URL(url)
  if (protocol !== 'file:' || !pathname.endsWith('.ts')) return next(url, context)
  const source = await stripped(await readFile(fileURLToPath(url), 'utf8'))
  return { format: 'module', source, shortCircuit: true }
}

/** Each test is a process of its own, and to load the stripper takes most of its start. */
async function stripped(source) {
  const kept = cache + createHash('sha256').update(stripper).update(source).digest('hex')
  try {
    return await readFile(kept, 'utf8')
  } catch {
    const { transformSync } = await import(STRIPPER)
    const { code } = transformSync(source, { mode: 'strip-only' })
    // Whole or not at all: others may read it by now.
    const begun = `${kept}.${process.pid}`
    await writeFile(begun, code)
    await rename(begun, kept)
    return code
  }
}
