import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Cage } from '../cage/cage.ts'
import type { TracedSpans } from './tracing.ts'

export interface Ending {
  /** As a shell has it: 128 + the signal's number where a signal ended it. */
  readonly exitCode: number
  readonly atMs: number
}

const START_WITHIN_MS = 60_000

/** A server that is a process of its own, in a cage or free. */
export class ServerProcess {
  readonly port: number
  readonly exited: Promise<Ending>
  ending: Ending | undefined
  readonly #process: ChildProcess
  readonly #stderr: Tail

  private constructor(child: ChildProcess, port: number, stderr: Tail, exited: Promise<Ending>) {
    this.#process = child
    this.port = port
    this.#stderr = stderr
    this.exited = exited
    void exited.then(ending => {
      this.ending = ending
    })
  }

  /** @throws with the end of what the server wrote to stderr, when it dies or opens no port in time */
  static async start(
    module: string,
    serverArgs: readonly string[],
    cage?: Cage,
    env: NodeJS.ProcessEnv = {},
  ): Promise<ServerProcess> {
    const loader = module.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : []
    const command = [process.execPath, ...loader, module, '--port', '0', ...serverArgs]
    const [file = '', ...args] = cage?.enclose(command) ?? command
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...environment(), ...env } })
    if (child.pid === undefined) throw new Error(`${file} did not start`)
    cage?.watch(child.pid)
    const stderr = new Tail(child)
    const exited = once(child, 'exit').then(([code, signal]) => ({
      exitCode: signal === null ? code : signal === 'SIGKILL' ? 137 : 128,
      atMs: performance.now(),
    }))
    const timeout = new AbortController()
    try {
      const port = await Promise.race([
        listeningPort(child),
        exited.then(ending => Promise.reject(new Error(`it exited with ${ending.exitCode}`))),
        late(timeout.signal),
      ])
      return new ServerProcess(child, port, stderr, exited)
    } catch (error) {
      child.kill('SIGKILL')
      throw new Error(`The server did not start: ${(error as Error).message}\n${stderr.text}`)
    } finally {
      timeout.abort()
    }
  }

  get stderrTail(): string {
    return this.#stderr.text
  }

  async healthy(): Promise<boolean> {
    try {
      const url = `http://127.0.0.1:${this.port}/health`
      return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok
    } catch {
      return false
    }
  }

  /** Of a traced one. */
  async spans(): Promise<TracedSpans> {
    return (await (await fetch(`http://127.0.0.1:${this.port}/spans`)).json()) as TracedSpans
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }

  /** Asks it to end. */
  terminate(): void {
    this.#process.kill('SIGTERM')
  }

  async stop(): Promise<void> {
    this.kill()
    await this.exited
  }
}

/** Without whatever the bench itself was started with: the server gets Node's defaults. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...rest } = process.env
  return { ...rest, NODE_ENV: 'production' }
}

/** Waits for the line {"listening":port}; whatever else the server writes is its own affair. */
async function listeningPort(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error('it has no stdout')
  const lines = createInterface({ input: child.stdout })
  return new Promise(resolve => {
    lines.on('line', line => {
      const port = /^\{"listening":(\d+)/.exec(line)?.[1]
      if (port !== undefined) resolve(Number(port))
    })
  })
}

function late(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`no port after ${START_WITHIN_MS} ms`)), START_WITHIN_MS)
    signal.addEventListener('abort', () => clearTimeout(timer))
  })
}

/** The last of what a process wrote to stderr. */
class Tail {
  text = ''

  constructor(child: ChildProcess) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.text = (this.text + text).slice(-4_096)
    })
  }
}
