import cluster from 'node:cluster'
import { availableParallelism } from 'node:os'
import { MALLOC } from './malloc.ts'

// Nothing of Plimsoll here: each worker counts the others itself. PM2 would be in this place.
const { WORKERS = availableParallelism() } = process.env

cluster.setupPrimary({ exec: new URL('./worker.ts', import.meta.url).pathname })
for (let started = 0; started < Number(WORKERS); started++) cluster.fork(MALLOC)

let stopping = false
cluster.on('exit', () => {
  if (!stopping) cluster.fork(MALLOC)
})
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    stopping = true
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill(signal)
  })
}
