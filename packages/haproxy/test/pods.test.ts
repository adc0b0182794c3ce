import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { FrontProxy, haveHaproxy } from './fixtures/haproxy.ts'
import { type Pod, startPod } from './fixtures/start-pod.ts'
import { until } from './fixtures/until.ts'

t.setTimeout(300_000)

const MIB = 2 ** 20
const BUDGET = 8 * MIB
const LARGE = Buffer.alloc(MIB)

/** Clients that ask again and again; what each was answered. */
function load(url: string, clients: number) {
  const answers: (number | string)[] = []
  let stopped = false
  const client = async (number: number): Promise<void> => {
    for (let n = 0; !stopped; n++) {
      const upload = (n + number) % 2 === 0 ? { method: 'PUT', body: LARGE } : {}
      const answer = await fetch(`${url}/slow`, upload).then(
        async response => {
          await response.text()
          return response.status
        },
        (error: Error) => String(error.cause ?? error),
      )
      answers.push(answer)
    }
  }
  const over = Promise.all(Array.from({ length: clients }, (_, number) => client(number)))
  const stop = async (): Promise<Record<string, number>> => {
    stopped = true
    await over
    const counts: Record<string, number> = {}
    for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1
    return counts
  }
  return { answers, stop }
}

async function start(t: import('tap').Test, count: number) {
  const pods: Pod[] = []
  for (let n = 0; n < count; n++) pods.push(await startPod(t, BUDGET))
  const servers = pods.map(({ port, agentPort }) => ({ host: '127.0.0.1', port, agentPort }))
  const proxy = await FrontProxy.start(t, { budget: BUDGET, requestSize: 2 * MIB, servers })
  for (const at of pods.keys()) await proxy.becomes(`pod${at + 1}`, { status: 'UP', agent_status: 'L7OK' })
  return { pods, proxy, url: `http://127.0.0.1:${proxy.port}` }
}

t.test('a rolling restart loses nothing', async t => {
  if (!(await haveHaproxy(t))) return
  const { pods, proxy, url } = await start(t, 2)
  const { answers, stop } = load(url, 12)
  await until(() => answers.length > 20, 'load')
  for (const [at, pod] of pods.entries()) {
    pod.child.kill('SIGTERM')
    await proxy.becomes(`pod${at + 1}`, { status: 'DRAIN' })
    const from = Date.now()
    const [code] = await once(pod.child, 'exit')
    t.comment(`ended after ${Date.now() - from} ms`)
    t.equal(code, 0)
    await startPod(t, BUDGET, pod)
    await proxy.becomes(`pod${at + 1}`, { status: 'UP' })
  }
  t.same(Object.keys(await stop()), ['200'])
})

t.test(
  'of a pod that is killed only that is lost which was in flight on it, and it is sent requests when it is back',
  async t => {
    if (!(await haveHaproxy(t))) return
    const { pods, proxy, url } = await start(t, 2)
    const { answers, stop } = load(url, 12)
    await until(() => answers.length > 20, 'load')
    const [killed] = pods as [Pod, Pod]
    const [large, small] = [await proxy.row('plimsoll', 'pod1'), await proxy.row('plimsoll-small', 'pod1')]
    killed.child.kill('SIGKILL')
    await once(killed.child, 'exit')
    await proxy.becomes('pod1', { status: 'DOWN' })
    await sleep(500)
    await startPod(t, BUDGET, killed)
    const since = Date.now()
    await proxy.becomes('pod1', { status: 'UP' })
    const before = Number((await proxy.row('plimsoll', 'pod1')).stot)
    await until(async () => Number((await proxy.row('plimsoll', 'pod1')).stot) > before, 'a request to it')
    t.comment(`it took load after ${Date.now() - since} ms`)
    const { 200: served, ...lost } = await stop()
    t.comment(`served ${served}; lost ${JSON.stringify(lost)}`)
    t.ok(Number(served) > 40)
    const count = Object.values(lost).reduce((sum, n) => sum + n, 0)
    // What was on it a moment before, and no more than it takes at once.
    t.ok(count <= 12, `${count} were lost, of ${large.scur} and ${small.scur} on it`)
    t.notOk('503' in lost, 'and nobody was told that there is no room')
  },
)
