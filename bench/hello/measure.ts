import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTheWayOut } from '../on-the-way-out.ts'
import type { Contender } from './contenders.ts'
import type { LoadReport } from './load.ts'

export interface Measured {
  readonly requestsPerSecond: number
  readonly cpuMicrosecondsPerRequest: number
}

const TURN_SECONDS = 1
/** V8 goes on compiling, and taking it back, for so long; who has more code would look dearer for that. */
const WARM_SECONDS = 10

/**
 * Some contenders on one route, side by side: a fresh server and a fresh client each, all of them started and
 * warm, loaded in turns of a second, to and fro. Whatever else the machine does, and whither it drifts,
 * falls on all of them.
 *
 * @param seconds of load for each
 * @returns in the contenders' order
 */
export async function measure(
  contenders: readonly Contender[],
  route: string,
  seconds: number,
): Promise<Measured[]> {
  const pairs: Pair[] = []
  const stop = onTheWayOut(() => {
    for (const pair of pairs) pair.kill()
  })
  try {
    for (const contender of contenders) pairs.push(await Pair.start(contender, route))
    for (const pair of pairs) await pair.load(WARM_SECONDS)
    const before = pairs.map(pair => pair.total)
    for (let turn = 0; turn < seconds; turn += TURN_SECONDS) {
      for (const pair of turn % 2 === 0 ? pairs : pairs.toReversed()) await pair.load(TURN_SECONDS)
    }
    return pairs.map(({ total }, index) => measuredSince(before[index] ?? NOTHING, total))
  } finally {
    stop()
  }
}

interface Total {
  readonly requests: number
  readonly seconds: number
  readonly cpuMicroseconds: number
}

const NOTHING: Total = { requests: 0, seconds: 0, cpuMicroseconds: 0 }

function measuredSince(before: Total, after: Total): Measured {
  const requests = after.requests - before.requests
  return {
    requestsPerSecond: requests / (after.seconds - before.seconds),
    cpuMicrosecondsPerRequest: (after.cpuMicroseconds - before.cpuMicroseconds) / requests,
  }
}

/** One contender's server, its client, and what they have done so far. */
class Pair {
  total = NOTHING
  readonly #server: ChildProcess
  readonly #client: ChildProcess

  private constructor(server: ChildProcess, client: ChildProcess) {
    this.#server = server
    this.#client = client
  }

  static async start({ framework, inFront }: Contender, route: string): Promise<Pair> {
    const server = start('./server.ts', [framework, inFront])
    const { port } = await next<{ port: number }>(server)
    return new Pair(server, start('./load.ts', [String(port), route]))
  }

  async load(seconds: number): Promise<void> {
    const before = await cpuMicroseconds(this.#server)
    const report = await ask<LoadReport>(this.#client, { seconds })
    const { total } = this
    this.total = {
      requests: total.requests + report.requests,
      seconds: total.seconds + report.seconds,
      cpuMicroseconds: total.cpuMicroseconds + (await cpuMicroseconds(this.#server)) - before,
    }
  }

  kill(): void {
    this.#client.kill('SIGKILL')
    this.#server.kill('SIGKILL')
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
