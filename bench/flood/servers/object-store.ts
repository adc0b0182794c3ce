import { randomBytes } from 'node:crypto'
import { DiskStorage } from '../../../examples/object-store/src/disk-storage.ts'
import { FRAME_BYTES } from '../../../examples/object-store/src/frame-layout.ts'
import { LiveFrames } from '../../../examples/object-store/src/live-frames.ts'
import { MemoryStorage } from '../../../examples/object-store/src/memory-storage.ts'
import { renderMetrics } from '../../../examples/object-store/src/metrics.ts'
import { ObjectStore } from '../../../examples/object-store/src/object-store.ts'
import { resolveServerOptions } from '../../../examples/object-store/src/server-options.ts'
import { readWhole } from '../../../examples/object-store/src/whole-body.ts'

/** The example's object store without its framework, for the servers beside this file. */
export const options = resolveServerOptions(process.argv.slice(2), {})

const liveFrames = new LiveFrames()
const storage = options.storage === 'disk' ? await DiskStorage.in(options.dir) : new MemoryStorage()

export const store = new ObjectStore(storage, randomBytes(32), liveFrames)

/** What its routes cost: the same as in the example's app.ts, where the reasons stand. */
export const uploads = {
  maxBody: options.bodyLimit,
  cost: ({ declaredBytes = 0 }) => declaredBytes + Math.min(declaredBytes, FRAME_BYTES),
}
export const downloads = { cost: 2 * FRAME_BYTES }

/** What a download of an object smaller than a frame holds; undefined where the route's cost stands. */
export function smallerCost(bytes: number): number | undefined {
  return bytes < FRAME_BYTES ? 2 * bytes : undefined
}

export function metrics(stats: object = {}): string {
  return renderMetrics(liveFrames, stats)
}

export { readWhole }
