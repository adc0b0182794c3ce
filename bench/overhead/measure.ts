import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTheWayOut } from '../on-the-way-out.ts'
import type { Contender, Protocol } from './contenders.ts'
import type { LoadReport } from './load/process.ts'

export interface Measured {
  readonly requestsPerSecond: number
  /** Of the server's CPU, all threads, for one request. */
  readonly userMicroseconds: number
  readonly systemMicroseconds: number
}

export interface Asked {
  readonly route: string
  readonly protocol: Protocol
  /** Of load for each. */
  readonly seconds: number
  /** V8 goes on compiling, and taking it back, for some 10 s; who has more code would look dearer for that. */
  readonly warmSeconds: number
}

const TURN_SECONDS = 1

/**
 * Some contenders on one route, side by side: a fresh server and a fresh client each, all of them started and
 * warm, loaded in turns of a second, to and fro. Whatever else the machine does, and whither it drifts,
 * falls on all of them.
 *
 * @returns in the contenders' order
 */
export async function measure(contenders: readonly Contender[], asked: Asked): Promise<Measured[]> {
  const { seconds, warmSeconds } = asked
  const pairs: Pair[] = []
  const stop = onTheWayOut(() => {
    for (const pair of pairs) pair.kill()
  })
  try {
    for (const contender of contenders) pairs.push(await Pair.start(contender, asked))
    for (const pair of pairs) await pair.load(warmSeconds)
    const before = pairs.map(pair => pair.total)
    for (let turn = 0; turn < seconds; turn += TURN_SECONDS) {
      for (const pair of (turn / TURN_SECONDS) % 2 === 0 ? pairs : pairs.toReversed())
        await pair.load(TURN_SECONDS)
    }
    return pairs.map(({ total }, index) => measuredSince(before[index] ?? NOTHING, total))
  } finally {
    stop()
  }
}

interface Total {
  readonly requests: number
  readonly seconds: number
  readonly user: number
  readonly system: number
}

const NOTHING: Total = { requests: 0, seconds: 0, user: 0, system: 0 }

function measuredSince(before: Total, after: Total): Measured {
  const requests = after.requests - before.requests
  return {
    requestsPerSecond: requests / (after.seconds - before.seconds),
    userMicroseconds: (after.user - before.user) / requests,
    systemMicroseconds: (after.system - before.system) / requests,
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

  static async start({ framework, inFront }: Contender, { route, protocol }: Asked): Promise<Pair> {
    const server = start('./server.ts', [framework, inFront, protocol])
    const { port } = await next<{ port: number }>(server)
    return new Pair(server, start('./load/process.ts', [String(port), route, protocol]))
  }

  async load(seconds: number): Promise<void> {
    const before = await cpuTime(this.#server)
    const report = await ask<LoadReport>(this.#client, { seconds })
    const after = await cpuTime(this.#server)
    const { total } = this
    this.total = {
      requests: total.requests + report.requests,
      seconds: total.seconds + report.seconds,
      user: total.user + after.user - before.user,
      system: total.system + after.system - before.system,
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
function cpuTime(server: ChildProcess): Promise<NodeJS.CpuUsage> {
  return ask<NodeJS.CpuUsage>(server, 'cpu')
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
