import { createServer, type Server } from 'node:net'

/**
 * What one of several processes has at a time: a name that the kernel gives to one of them, and takes back when that one
 * ends, however it ends. It is an abstract Unix socket, so only Linux has it.
 */
export class Turn {
  readonly #path: string
  #server: Server | undefined

  constructor(name: string) {
    this.#path = `\0${name}`
  }

  get isOurs(): boolean {
    return this.#server !== undefined
  }

  /**
   * Takes it, where nobody has it.
   *
   * @returns whether it is ours now
   */
  take(): boolean {
    // Nobody has anything to ask here; who connects all the same is not to keep this process alive.
    const server = createServer(stranger => stranger.destroy()).on('error', () => {})
    // Bound within the call, or not at all, of which the error tells later. Not by way of the primary, which would share it.
    server.listen({ path: this.#path, exclusive: true })
    if (server.listening) this.#server = server.unref()
    return server.listening
  }

  /** Gives it back within the call. Any number of calls. */
  giveBack(): void {
    this.#server?.close()
    this.#server = undefined
  }
}
