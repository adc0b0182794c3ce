import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GovernorOptions, RoutePolicy } from '@plimsoll/core'
import { DiskStorage } from '../../../examples/object-store/src/disk-storage.ts'
import { FRAME_BYTES } from '../../../examples/object-store/src/frame-layout.ts'
import { LiveFrames } from '../../../examples/object-store/src/live-frames.ts'
import { masterKeyOf } from '../../../examples/object-store/src/master-key.ts'
import { MemoryStorage } from '../../../examples/object-store/src/memory-storage.ts'
import { renderMetrics } from '../../../examples/object-store/src/metrics.ts'
import { ObjectStore } from '../../../examples/object-store/src/object-store.ts'
import { resolveServerOptions } from '../../../examples/object-store/src/server-options.ts'
import { readWhole } from '../../../examples/object-store/src/whole-body.ts'
import type { Tracing } from '../tracing.ts'
import type { Advice } from '../tuning.ts'
import { downloadCost, uploadCost } from './costs.ts'
import { PlainSemaphore } from './plain-semaphore.ts'

const semaphoreOption = process.argv.find(argument => argument.startsWith('--semaphore='))
const withShares = process.argv.includes('--shares')
/** Plimsoll is registered, and told nothing. */
export const untuned = process.argv.includes('--untuned')
const observes = process.argv.includes('--observe')
const adviceOption = process.argv.find(argument => argument.startsWith('--advice='))
/** What a report has recommended, in place of what is known here. */
const advice: Advice | undefined = adviceOption && JSON.parse(adviceOption.slice('--advice='.length))
const telemetryOption = process.argv.find(argument => argument.startsWith('--telemetry='))
const ofOurs = [semaphoreOption, adviceOption, telemetryOption, '--shares', '--untuned', '--observe']
const known = process.argv.slice(2).filter(argument => !ofOurs.includes(argument))
/** The example's object store without its framework, for the servers beside this file. */
export const options = resolveServerOptions(known, {})

/** Where it is traced: by which processor, and where its spans go. */
export const telemetry: Tracing | undefined =
  telemetryOption && JSON.parse(telemetryOption.slice('--telemetry='.length))

/** With `--shares` no client's address may hold more than a quarter of the budget. */
export const limits = withShares ? { share: { key: 'address' } as const } : {}
export const governorOptions: GovernorOptions = {
  ...(!untuned && { budget: advice?.budget ?? options.budget, ...limits }),
  ...(observes && { mode: 'observe' }),
}

const liveFrames = new LiveFrames()
export const storage = options.storage === 'disk' ? await DiskStorage.in(options.dir) : new MemoryStorage()

// From the environment where it is one of several workers: each reads what another has written.
export const store = new ObjectStore(storage, masterKeyOf(process.env), liveFrames)

/** What its routes cost, or what was recommended. */
export const uploads: RoutePolicy = { maxBody: options.bodyLimit, cost: advice?.upload ?? uploadCost }
export const downloads: RoutePolicy = { cost: advice?.download ?? downloadCost }

/** What a download of an object smaller than a frame holds; undefined where the route's cost stands. */
export function smallerCost(bytes: number): number | undefined {
  if (untuned || advice !== undefined) return undefined
  return bytes < FRAME_BYTES ? 2 * bytes : undefined
}

export function metrics(stats: object = {}): string {
  return renderMetrics(liveFrames, stats)
}

/** With `--semaphore=<bytes>`, beside `--ungoverned`: the peer that Plimsoll is compared with, at the same costs. */
export const admitPlainly =
  semaphoreOption === undefined
    ? undefined
    : plainly(new PlainSemaphore(Number(semaphoreOption.split('=')[1])))

function plainly(semaphore: PlainSemaphore) {
  return (
    { method = '', url = '', headers }: IncomingMessage,
    res: ServerResponse,
    { cost = 0 }: RoutePolicy,
  ) => {
    const declaredBytes = Number(headers['content-length'] ?? 0)
    const bytes = typeof cost === 'function' ? cost({ method, url, headers, declaredBytes }) : cost
    return semaphore.admit(res, Number(bytes))
  }
}

export { readWhole }
