import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { haveProgram } from '@plimsoll/contract'
import { chooseBudget, parseByteSize } from '@plimsoll/core'
import { frontProxyValues, renderConfig } from '@plimsoll/haproxy'
import t from 'tap'
import { figures, limits } from '../src/figures.ts'
import { start } from './start.ts'

// apt-get may have to fetch HAProxy.
t.setTimeout(300_000)

const MIB = 2 ** 20
const KUBERNETES = fileURLToPath(new URL('../kubernetes/', import.meta.url))
const committed = (name: string): string => readFileSync(join(KUBERNETES, name), 'utf8')

t.test('what is committed is what the figures make', async t => {
  const folder = t.testdir()
  t.strictSame(await once(start(t, 'write-manifests.ts', [folder]), 'exit'), [0, null])
  t.same(readdirSync(folder).sort(), readdirSync(KUBERNETES).sort())
  for (const name of readdirSync(folder)) {
    t.equal(readFileSync(join(folder, name), 'utf8'), committed(name), `${name}: npm run manifests`)
  }
})

t.test('the numbers of manifests, values and configuration are the same', async t => {
  const { frontproxy } = frontProxyValues(limits)
  t.same(JSON.parse(committed('values.json')), { frontproxy })
  const config = committed('haproxy.cfg')
  t.match(config, ` maxconn ${frontproxy.maxConnPerPod} `)
  t.match(config, `\n    timeout queue ${frontproxy.timeouts.queue}\n`)
  t.equal(
    config.match(/^ {4}server store-\d|^ {4}server pod\d+ store-\d+\.store:/gm)?.length,
    2 * figures.pods,
  )
  t.equal(
    renderConfig({ ...limits, servers: [{ host: 'store-0.store', port: 1 }] }).match(/ maxconn (\d+) /)?.[1],
    String(frontproxy.maxConnPerPod),
  )
  const store = committed('store.yaml')
  t.match(store, `replicas: ${figures.pods}\n`)
  t.match(store, `limits: { memory: ${figures.memoryMiB}Mi }`)
  const grace = Number(/terminationGracePeriodSeconds: (\d+)/.exec(store)?.[1])
  t.ok(1000 * grace > figures.drainMs + figures.shutdownMs, 'Kubernetes waits for the shutdown')
})

t.test('the budget is what such a container carries', async t => {
  const limit = { bytes: figures.memoryMiB * MIB, source: 'cgroup v2' } as const
  // Idle it has 80 MiB, as `plimsoll advise` takes it.
  const { bytes } = chooseBudget(limit, 80 * MIB)
  t.equal(parseByteSize(figures.budget), bytes)
})

t.test('HAProxy takes the configuration', async t => {
  if (!(await haveProgram(t, 'haproxy', '-v'))) return
  const { status, stderr } = spawnSync('haproxy', ['-c', '-f', join(KUBERNETES, 'haproxy.cfg')], {
    encoding: 'utf8',
  })
  t.equal(status, 0, stderr)
})
