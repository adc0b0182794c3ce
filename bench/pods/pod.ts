import { fileURLToPath } from 'node:url'
import { type Cage, openCage, totalBytes } from '../cage/cage.ts'
import { ServerProcess } from '../flood/server-process.ts'
import { onTheWayOut } from '../on-the-way-out.ts'
import { freePort } from './haproxy-process.ts'

const MODULE = fileURLToPath(import.meta.resolve('@plimsoll/example-pods/src/pod.ts'))

/** How each pod is started. */
export interface PodOptions {
  readonly limitBytes: number
  /** Without it the pod is not governed, and has no agent. */
  readonly budget?: string
  readonly forceCage?: 'supervisor'
}

/** A pod of the example, in a cage of its own that stays while the process in it is killed and comes back. */
export class Pod {
  readonly port: number
  readonly agentPort: number
  readonly cage: Cage
  readonly #options: PodOptions
  readonly #remove: () => void
  #server: ServerProcess | undefined

  private constructor(port: number, agentPort: number, options: PodOptions) {
    this.port = port
    this.agentPort = agentPort
    this.#options = options
    this.cage = openCage(options.limitBytes, options.forceCage)
    this.#remove = onTheWayOut(() => this.cage.remove())
  }

  static async start(options: PodOptions): Promise<Pod> {
    const pod = new Pod(await freePort(), await freePort(), options)
    await pod.restart()
    return pod
  }

  /** Where it was before. @throws where it does not listen in time */
  async restart(): Promise<void> {
    const { budget } = this.#options
    const governing = budget === undefined ? ['--ungoverned'] : ['--budget', budget]
    // A disk would be what is measured: in a cgroup of this size its writes are throttled to 60 MB/s here.
    const args = ['--port', String(this.port), '--storage', 'memory', ...governing]
    this.#server = await ServerProcess.start(MODULE, args, this.cage, { AGENT_PORT: String(this.agentPort) })
  }

  get alive(): boolean {
    return this.#server?.ending === undefined
  }

  /** What its container could not give back. */
  get bytes(): number {
    const reading = this.cage.read()
    return reading === undefined ? 0 : totalBytes(reading)
  }

  /** As the kernel does where memory runs out. */
  async kill(): Promise<void> {
    await this.#server?.stop()
  }

  /** As Kubernetes does. @returns its exit code, once it has ended */
  async terminate(): Promise<number | undefined> {
    this.#server?.terminate()
    return (await this.#server?.exited)?.exitCode
  }

  /** For good. */
  async remove(): Promise<void> {
    await this.kill()
    this.#remove()
  }
}
