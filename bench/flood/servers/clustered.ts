import cluster from 'node:cluster'
import { randomBytes } from 'node:crypto'
import { MALLOC } from '../../../examples/workers/src/malloc.ts'

/** `--port 0 --workers <n> --module <path>` and what the module is told: so many of it behind one port. */
const [, port, , workers, , module, ...args] = process.argv.slice(2)

// Who reads an object did not write it.
process.env.OBJECT_STORE_KEY = randomBytes(32).toString('hex')
cluster.setupPrimary({ exec: module, args: ['--port', String(port), ...args], silent: true })
let listening = 0
cluster.on('listening', (_worker, { port }) => {
  if (++listening === Number(workers)) console.log(JSON.stringify({ listening: port }))
})
// Not replaced: to know that one was killed is what this is for.
cluster.on('exit', (_worker, code, signal) => process.exit(signal === 'SIGKILL' ? 137 : code))
for (let started = 0; started < Number(workers); started++) {
  cluster.fork(MALLOC).process.stderr?.pipe(process.stderr)
}
