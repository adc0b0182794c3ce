import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import t from 'tap'
import { run } from './fixtures/program.ts'
import { type Manifest, publishedLibraries, publishedPackages } from './fixtures/published-packages.ts'
import { pack } from './fixtures/tarballs.ts'

t.setTimeout(300_000)

const folder = await mkdtemp(join(tmpdir(), 'plimsoll-tarballs-'))
t.teardown(() => rm(folder, { recursive: true }))
const tarballs = await pack(folder)

t.test('every published package is packed', async t => {
  t.same(
    tarballs.map(({ name }) => name).sort(),
    publishedPackages.map(({ manifest }) => manifest.name).sort(),
  )
})

for (const { name, filename, files } of tarballs) {
  const library = publishedLibraries.some(({ manifest }) => manifest.name === name)
  const read = async (path: string): Promise<string> => {
    return (await run('tar', ['-xOf', filename, `package/${path}`], folder)).stdout
  }

  t.test(`${name}: publint finds nothing to improve`, async t => {
    const { buffer } = new Uint8Array(await readFile(filename))
    const { messages, pkg } = await publint({ pack: { tarball: buffer } })
    t.same(
      messages.map(message => formatMessage(message, pkg, { color: false })),
      [],
    )
  })

  if (library)
    t.test(
      `${name}: its types are found by every way of resolving modules, and are of what is loaded`,
      async t => {
        const result = await checkPackage(
          createPackageFromTarballData(new Uint8Array(await readFile(filename))),
        )
        if (result.types === false) throw new Error('there are no types')
        // Says that require finds ESM. Node loads it, as apps.test.ts shows.
        const problems = result.problems.filter(({ kind }) => kind !== 'CJSResolvesToESM')
        t.same(problems, [])
      },
    )

  t.test(`${name}: the tarball has the sources, what they compile to, and what people read`, async t => {
    const paths = files.map(({ path }) => path)
    const sources = paths.filter(path => path.startsWith('src/'))
    const compiled = sources.flatMap(path => {
      const base = path.replace(/^src/, 'dist').replace(/\.ts$/, '')
      return [`${base}.js`, `${base}.js.map`, `${base}.d.ts`, `${base}.d.ts.map`]
    })
    t.ok(sources.includes(library ? 'src/index.ts' : 'src/main.ts'))
    const read = ['LICENSE', 'README.md', ...(library ? ['errors.md'] : []), 'package.json']
    t.same([...paths].sort(), [...sources, ...compiled, ...read].sort())
  })

  t.test(`${name}: its package.json says what people and registries ask`, async t => {
    const text = await read('package.json')
    const manifest: Manifest = JSON.parse(text)
    t.match(manifest, {
      description: /^[A-Z].*\.$/,
      keywords: Array,
      license: 'MIT',
      type: 'module',
      engines: { node: '^20.19.0 || >=22.12.0' },
      publishConfig: { access: 'public' },
    })
    // Bundlers drop what nobody uses of it.
    if (library) t.equal(manifest.sideEffects, false)
    t.notMatch(text, 'workspace:', 'dependencies have versions')
    t.notMatch(text, 'plimsoll-source', 'only this repository runs on sources')
    t.equal(await read('LICENSE'), await readFile(new URL('../../../LICENSE', import.meta.url), 'utf8'))
  })
}
