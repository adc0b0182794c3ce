import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { installApp } from './fixtures/empty-app.ts'
import { APPS, apps, formsOf, writeApps } from './fixtures/forms.ts'
import { newest, oldest } from './fixtures/frameworks.ts'
import { nodeVersions } from './fixtures/node-versions.ts'
import { run } from './fixtures/program.ts'
import { pack } from './fixtures/tarballs.ts'

// Mostly npm's time: it depends on what its cache has.
t.setTimeout(600_000)
t.jobs = 2

const EXPERIMENTAL =
  /^\(node:\d+\) ExperimentalWarning: CommonJS module \S+ is loading ES Module \S+ using require\(\)\.\n.*\n.*\n$/

const folder = await mkdtemp(join(tmpdir(), 'plimsoll-apps-'))
t.teardown(() => rm(folder, { recursive: true }))

const tarballs = await pack(folder)
t.comment(`packed ${tarballs.map(({ name }) => name).join(', ')}`)
const nodes = await nodeVersions()
t.comment(`has Node ${nodes.map(({ version }) => version).join(', ')}`)
for (const age of [newest, oldest]) {
  const installed = join(folder, age.name)
  await installApp(installed, tarballs, age.dependencies)
  await writeApps(installed, formsOf(age))
  t.comment(`installed and compiled with the ${age.name} frameworks`)
}

for (const age of [newest, oldest]) {
  const installed = join(folder, age.name)
  for (const app of apps) {
    for (const { name, file, requires } of formsOf(age)) {
      t.test(`${app}, ${name}, ${age.name} framework: an installed app serves a request`, async t => {
        const path = join(installed, file(app))
        t.match(await readFile(path, 'utf8'), requires ? /= .*require\(.@plimsoll/ : /from '@plimsoll/)
        for (const { version, path: node, warnsOfRequire } of nodes) {
          const { stdout, stderr } = await run(node, [path], installed)
          const seen = { status: 200, bytes: 65536, read: 65536, reserved: 0 }
          t.strictSame(JSON.parse(stdout), seen, `on Node ${version}`)
          if (requires && warnsOfRequire) t.match(stderr, EXPERIMENTAL, 'which warns of require only')
          else t.equal(stderr, '', 'which warns of nothing')
        }
      })
    }
  }
}

t.test('whoever imports a package and whoever requires it have the same one', async t => {
  const installed = join(folder, newest.name)
  await copyFile(join(APPS, 'import-and-require.mjs'), join(installed, 'import-and-require.mjs'))
  const names = tarballs.map(({ name }) => name)
  for (const { version, path: node } of nodes) {
    const { stdout } = await run(node, ['import-and-require.mjs', ...names], installed)
    const same: Record<string, Record<string, boolean>> = JSON.parse(stdout)
    for (const name of names) {
      const exports = Object.values(same[name] ?? {})
      t.ok(exports.length > 0 && exports.every(Boolean), `${name} on Node ${version}`)
    }
  }
})

t.test('two copies of core in a process do not govern a request twice', async t => {
  const installed = join(folder, newest.name)
  const core = tarballs.filter(({ name }) => name === '@plimsoll/core')
  await installApp(join(installed, 'other'), core, {})
  await copyFile(join(APPS, 'two-copies.mjs'), join(installed, 'two-copies.mjs'))
  for (const { version, path: node } of nodes) {
    const { stdout } = await run(node, ['two-copies.mjs'], installed)
    const expected = {
      bytes: 65536,
      seenByBoth: true,
      reservedTwice: 0,
      copies: 2,
      admitted: [1, 0],
      reserved: [0, 0],
      errorIsOurs: true,
    }
    t.strictSame(JSON.parse(stdout), expected, `on Node ${version}`)
  }
})
