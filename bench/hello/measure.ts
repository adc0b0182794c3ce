import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTheWayOut } from '../on-the-way-out.ts'
import type { LoadReport } from './load.ts'

export interface Measured {
  readonly requestsPerSecond: number
  readonly cpuMicrosecondsPerRequest: number
}

const WARM_SECONDS = 1

/** One contender, one route: a fresh server and a fresh client. */
export async function measure(contender: string, route: string, seconds: number): Promise<Measured> {
  const server = start('./server.ts', [contender])
  const stopServer = onTheWayOut(() => server.kill('SIGKILL'))
  let stopLoad = () => {}
  try {
    const { port } = await next<{ port: number }>(server)
    const load = start('./load.ts', [String(port), route])
    stopLoad = onTheWayOut(() => load.kill('SIGKILL'))
    await ask<LoadReport>(load, { seconds: WARM_SECONDS })
    const before = await cpuMicroseconds(server)
    const report = await ask<LoadReport>(load, { seconds })
    const after = await cpuMicroseconds(server)
    return {
      requestsPerSecond: report.requests / report.seconds,
      cpuMicrosecondsPerRequest: (after - before) / report.requests,
    }
  } finally {
    stopLoad()
    stopServer()
  }
}

function start(module: string, args: string[]): ChildProcess {
  return fork(fileURLToPath(new URL(module, import.meta.url)), args, {
    execArgv: ['--import', import.meta.resolve('tsx')],
    env: { ...process.env, NODE_ENV: 'production' },
  })
}

/** All threads of the server: what a request costs, whoever is the bottleneck. */
async function cpuMicroseconds(server: ChildProcess): Promise<number> {
  const { user, system } = await ask<NodeJS.CpuUsage>(server, 'cpu')
  return user + system
}

function ask<T>(child: ChildProcess, message: string | object): Promise<T> {
  const answer = next<T>(child)
  child.send(message)
  return answer
}

function next<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const died = (code: number | null) =>
      reject(new Error(`${child.spawnargs.slice(-2).join(' ')} died with ${code}`))
    child.once('exit', died)
    child.once('message', message => {
      child.off('exit', died)
      resolve(message as T)
    })
  })
}
