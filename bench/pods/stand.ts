import { setTimeout as sleep } from 'node:timers/promises'
import { figures } from '../../examples/pods/src/figures.ts'
import type { Contender } from './contenders.ts'
import { HaproxyProcess } from './haproxy-process.ts'
import { MixedClients } from './mixed-clients.ts'
import { Pod } from './pod.ts'

const LIMIT_BYTES = figures.memoryMiB * 2 ** 20
const UP_WITHIN_MS = 10_000
const WARM = { clients: 8, requests: 200, seed: 1 }

/** Four pods, each in its cage, behind a real HAProxy. */
export interface Stand {
  readonly pods: readonly Pod[]
  readonly proxy: HaproxyProcess
}

/** Runs `use` against pods that have served a little, and leaves nothing behind. */
export async function withStand<T>(
  { budget, config }: Contender,
  cage: { readonly forceCage?: 'supervisor' },
  use: (stand: Stand) => Promise<T>,
): Promise<T> {
  const pods: Pod[] = []
  let proxy: HaproxyProcess | undefined
  try {
    while (pods.length < figures.pods) {
      pods.push(
        await Pod.start({ ...cage, limitBytes: LIMIT_BYTES, ...(budget !== undefined && { budget }) }),
      )
    }
    proxy = await HaproxyProcess.start(config(pods))
    for (const at of pods.keys()) await up(proxy, at)
    await withClients(clients => clients.run({ ...WARM, port: (proxy as HaproxyProcess).port }))
    return await use({ pods, proxy })
  } finally {
    proxy?.stop()
    for (const pod of pods) await pod.remove()
  }
}

export async function withClients<T>(use: (clients: MixedClients) => Promise<T>): Promise<T> {
  const clients = new MixedClients()
  try {
    return await use(clients)
  } finally {
    clients.close()
  }
}

/** Resolves once HAProxy sends requests to a pod. */
export async function up(proxy: HaproxyProcess, at: number): Promise<void> {
  const since = performance.now()
  for (;;) {
    const rows = (await proxy.rows()).filter(({ svname }) => svname === `pod${at + 1}`)
    // Where there is an agent it has answered, too.
    const isUp = rows.every(
      ({ status, agent_status: agent = '' }) => /^UP/.test(status ?? '') && /^(L7OK)?$/.test(agent),
    )
    if (rows.length > 0 && isUp) return
    if (performance.now() - since > UP_WITHIN_MS)
      throw new Error(`pod${at + 1} never came up: ${JSON.stringify(rows)}`)
    await sleep(50)
  }
}
