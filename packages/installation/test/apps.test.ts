import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import { installApp } from './fixtures/empty-app.ts'
import { APPS, compile, type Form, fileOf, formsOf, writeApps } from './fixtures/forms.ts'
import { newest, oldest, openTelemetry3 } from './fixtures/frameworks.ts'
import { type NodeVersion, nodeVersions } from './fixtures/node-versions.ts'
import { run } from './fixtures/program.ts'
import { publishedLibraries, publishedPackages } from './fixtures/published-packages.ts'
import { pack } from './fixtures/tarballs.ts'

// Mostly npm's time: it depends on what its cache has.
t.setTimeout(600_000)
t.jobs = 2

const EXPERIMENTAL =
  /^\(node:\d+\) ExperimentalWarning: CommonJS module \S+ is loading ES Module \S+ using require\(\)\.\n.*\n.*\n$/

const root = await mkdtemp(join(tmpdir(), 'plimsoll-apps-'))
t.teardown(() => rm(root, { recursive: true }))
const tarballs = await pack(root)
t.comment(`packed ${tarballs.map(({ name }) => name).join(', ')}`)
const nodes = await nodeVersions()
t.comment(`has Node ${nodes.map(({ version }) => version).join(', ')}`)

/** Ours, what of ours it depends on, and `others`. */
const tarballsFor = (name: string, others: readonly string[] = []) => {
  const { dependencies } = publishedPackages.find(({ manifest }) => manifest.name === name)?.manifest ?? {}
  const all = [name, ...Object.keys({ ...dependencies }), ...others]
  return tarballs.filter(tarball => all.includes(tarball.name))
}

/** The first code of a README. */
async function firstCode(folder: string): Promise<string> {
  const text = await readFile(join(folder, 'README.md'), 'utf8')
  return text.match(/```ts\n(.*?)```/s)?.[1] ?? ''
}

/** Runs an app, which asks itself for 64 KiB and tells what came of it, on each Node. */
async function serves(
  t: Test,
  app: string,
  installed: string,
  form: Form,
  runOn: Iterable<NodeVersion>,
): Promise<void> {
  const path = join(installed, fileOf(app, form))
  const loads = form.requires ? /= .*require\(.@plimsoll/ : /from '@plimsoll/
  t.match(await readFile(path, 'utf8'), loads, 'it is what it says')
  for (const { version, path: node, warnsOfRequire } of runOn) {
    const { stdout, stderr } = await run(node, [path], installed)
    const seen = { status: 200, bytes: 65536, read: 65536, reserved: 0 }
    t.strictSame(JSON.parse(stdout), seen, `${app} on Node ${version}`)
    if (form.requires && warnsOfRequire) t.match(stderr, EXPERIMENTAL, 'which warns of require only')
    else t.equal(stderr, '', 'which warns of nothing')
  }
}

t.test('all of them, with the oldest of what they are for, in one app', async t => {
  const apps = publishedLibraries.map(({ folder }) => basename(folder))
  const installed = join(root, 'oldest')
  const dependencies = Object.assign({ ...oldest.tools }, ...Object.values(oldest.frameworks))
  const libraries = publishedLibraries.map(({ manifest }) => manifest.name)
  await installApp(
    installed,
    tarballs.filter(({ name }) => libraries.includes(name)),
    dependencies,
  )
  // What is old may be left behind by the newest Node, and by none between.
  const runOn = new Set([...nodes.slice(0, 1), ...nodes.slice(-1)])
  for (const form of formsOf(oldest)) {
    await t.test(`serve a request, written in ${form.name}`, async t => {
      await writeApps(apps, installed, form)
      for (const app of apps)
        await serves(t, app, installed, form, form.compiled === undefined ? runOn : nodes.slice(0, 1))
    })
  }
})

/** Who names one of ours is shown how it is used beside others. */
function besideIn(code: string): string[] {
  return [...code.matchAll(/from '(@plimsoll\/.*?)'/g)].map(([, name = '']) => name)
}

for (const { folder, manifest } of publishedLibraries) {
  const app = basename(folder)
  t.test(`${manifest.name}, with the newest of what it is for, in an empty app`, async t => {
    const installed = join(root, app)
    const code = await firstCode(folder)
    const dependencies = { ...newest.tools, ...newest.frameworks[app] }
    await installApp(installed, tarballsFor(manifest.name, besideIn(code)), dependencies)

    for (const form of formsOf(newest)) {
      await t.test(`serves a request, written in ${form.name}`, async t => {
        await writeApps([app], installed, form)
        // What a compiler makes is one of the two that go before, which run on all.
        await serves(t, app, installed, form, form.compiled === undefined ? nodes : nodes.slice(0, 1))
      })
    }

    await t.test('is used in its README by names and types that it has', async t => {
      const project = join(installed, 'esm')
      t.match(code, `from '${manifest.name}'`)
      await writeFile(join(project, 'readme.ts'), code)
      await t.resolves(compile(installed, project, ['--noEmit']))
    })

    await t.test('is the same, imported or required', async t => {
      await copyFile(join(APPS, 'import-and-require.mjs'), join(installed, 'import-and-require.mjs'))
      for (const { version, path: node } of nodes) {
        const { stdout } = await run(node, ['import-and-require.mjs', manifest.name], installed)
        const same = Object.values(JSON.parse(stdout))
        t.ok(same.length > 0 && same.every(Boolean), `on Node ${version}`)
      }
    })
  })
}

t.test('spans go by the 3.x line of OpenTelemetry, where that runs', async t => {
  const installed = join(root, 'opentelemetry-3')
  const dependencies = { ...newest.tools, ...openTelemetry3.packages }
  await installApp(installed, tarballsFor('@plimsoll/opentelemetry'), dependencies)
  const [least, leastMinor] = openTelemetry3.node
  const runOn = nodes.filter(({ version }) => {
    const [major = 0, minor = 0] = version.split('.').map(Number)
    return major > least || (major === least && minor >= leastMinor)
  })
  for (const form of formsOf(newest).filter(({ compiled }) => compiled !== undefined)) {
    await t.test(form.name, async t => {
      await writeApps(['opentelemetry-3'], installed, form)
      await serves(t, 'opentelemetry-3', installed, form, runOn)
    })
  }
})

t.test('two copies of core in a process do not govern a request twice', async t => {
  const installed = join(root, 'two-copies')
  const core = tarballsFor('@plimsoll/core')
  await installApp(installed, core, {})
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

t.test('the command runs in an empty app, and finds all that it needs', async t => {
  const installed = join(root, 'command')
  await installApp(installed, tarballsFor('plimsoll'), {})
  const { stdout } = await run('npx', ['--no-install', 'plimsoll', '--version'], installed)
  const { version } = JSON.parse(
    await readFile(join(installed, 'node_modules/plimsoll/package.json'), 'utf8'),
  )
  t.equal(stdout, `${version}\n`)
  for (const { version, path: node } of nodes) {
    const command = [join(installed, 'node_modules/.bin/plimsoll'), 'advise', '--limit', '512MiB', '--json']
    const { stdout, stderr } = await run(node, command, installed)
    t.equal(JSON.parse(stdout).budget.bytes, 184 * 2 ** 20, `on Node ${version}`)
    t.equal(stderr, '', 'which warns of nothing')
  }
})
