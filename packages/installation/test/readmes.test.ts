import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { run } from './fixtures/program.ts'
import { publishedLibraries, publishedPackages } from './fixtures/published-packages.ts'

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url))

/** What a text links to, outside of its code. */
function linksOf(text: string): readonly string[] {
  const prose = text.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link as string)
}

/** What its headings are called in a link, as forges and npm name them. */
function anchorsOf(text: string): readonly string[] {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading as string)
  return headings.map(heading =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replace(/ /g, '-'),
  )
}

t.test('links within the repository lead somewhere', async t => {
  const { stdout } = await run(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'],
    REPOSITORY,
  )
  // The reference is generated, and its links with it.
  const files = stdout.split('\n').filter(file => file !== '' && !file.startsWith('docs/api/'))
  for (const file of files) {
    const path = join(REPOSITORY, file)
    const text = await readFile(path, 'utf8')
    for (const link of linksOf(text).filter(link => !/^[a-z]+:/.test(link))) {
      const [target, anchor] = link.split('#') as [string, string?]
      const linked = target === '' ? path : join(dirname(path), target)
      t.ok(existsSync(linked), `${file}: ${link}`)
      if (anchor === undefined) continue
      const anchors = anchorsOf(await readFile(linked, 'utf8'))
      t.ok(anchors.includes(anchor), `${file}: ${link}`)
    }
  }
})

for (const { folder, manifest } of publishedPackages) {
  const { name } = manifest
  t.test(`${name}: its README stands alone`, async t => {
    const text = await readFile(join(folder, 'README.md'), 'utf8')
    t.equal(text.split('\n', 1)[0], `# ${name}`)
    t.match(text, 'Node 20.19, 22.12 or later', 'as its engines say')
    const relative = linksOf(text).filter(link => !/^(https:|#)/.test(link))
    t.same(relative, [], 'on npm there is nothing beside it')
  })
}

for (const { folder, manifest } of publishedLibraries) {
  const { name } = manifest
  t.test(`${name}: its README says how to load it, and what its users must know`, async t => {
    const text = await readFile(join(folder, 'README.md'), 'utf8')
    t.match(text, `\n    npm install ${name}\n`)
    t.match(text, `require('${name}')`, 'from CommonJS too')
    for (const section of ['What happens on overload', 'Options', 'What it does not protect against']) {
      t.match(text, `\n## ${section}\n`)
    }
    t.ok(linksOf(text).includes(`https://unpkg.com/${name}/errors.md`), 'and the errors are in the package')
  })
}
