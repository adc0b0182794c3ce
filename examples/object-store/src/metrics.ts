import type { LiveFrames } from './live-frames.ts'

/**
 * Prometheus' text format, version 0.0.4. The governor's figures go out by the names they have in
 * `governor.stats()`, untyped: some are gauges and some count up.
 */
export function renderMetrics(liveFrames: LiveFrames, governorStats: object): string {
  const lines = [
    '# HELP process_resident_memory_bytes Resident memory of this process.',
    '# TYPE process_resident_memory_bytes gauge',
    `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
    '# HELP object_store_live_frames Frames of plaintext, 8 MiB or less each, being stored or being sent.',
    '# TYPE object_store_live_frames gauge',
    `object_store_live_frames ${liveFrames.current}`,
    '# HELP object_store_live_frames_peak The most of them at one time since the start.',
    '# TYPE object_store_live_frames_peak gauge',
    `object_store_live_frames_peak ${liveFrames.peak}`,
  ]
  for (const [stat, value] of Object.entries(governorStats)) {
    const name = `plimsoll_${stat.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)}`
    if (typeof value === 'number') lines.push(`${name} ${value}`)
    else for (const [code, count] of Object.entries(value)) lines.push(`${name}{code="${code}"} ${count}`)
  }
  return `${lines.join('\n')}\n`
}
