import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { certificate } from '../certificate.ts'
import { type Answer, answersIn } from './answers.ts'
import type { Http1Session } from './http1-session.ts'
import { PROBE } from './routes.ts'
import type { Played, Transcript } from './session.ts'

/** A server of the same process that was silent for so many turns, too, is not merely late. */
const SILENT_TURNS = 10

/** Plays a session of HTTP/1, and at its end asks for one answer more on what is left of the connection. */
export async function playHttp1(
  session: Http1Session,
  port: number,
  patienceMs: number,
  secure: boolean,
): Promise<Played> {
  const client = await Client.connect(port, patienceMs, secure)
  for (const step of session.steps) {
    if ('write' in step) client.write(step.write)
    else if ('turns' in step) for (let count = 0; count < step.turns; count++) await turn()
    else if ('goOn' in step) await client.until(() => client.answers.length > client.finished)
    else await client.until(() => client.finished >= step.answers)
  }
  await client.until(() => client.finished >= session.requests)
  if (!client.announcedClose) {
    client.write(Buffer.from(`GET ${PROBE} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`))
  }
  return { transcript: await client.leave(), port: client.port }
}

class Client {
  readonly port: number
  readonly #socket: Socket
  readonly #patienceMs: number
  #received = ''
  #parsed: { received: string; answers: readonly Answer[] } = { received: '', answers: [] }
  #end: Transcript['end'] | undefined

  static async connect(port: number, patienceMs: number, secure: boolean): Promise<Client> {
    const to = { port, host: '127.0.0.1', allowHalfOpen: true }
    const socket = secure ? connectTls({ ...to, ca: certificate.cert, servername: 'localhost' }) : connect(to)
    await once(socket, secure ? 'secureConnect' : 'connect')
    socket.setNoDelay()
    return new Client(socket, patienceMs)
  }

  private constructor(socket: Socket, patienceMs: number) {
    this.#socket = socket
    this.#patienceMs = patienceMs
    this.port = socket.localPort as number
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#received += text
    })
    socket.on('end', () => {
      this.#end ??= 'closed by the server'
    })
    socket.on('error', () => {
      this.#end ??= 'reset by the server'
    })
  }

  get answers(): readonly Answer[] {
    if (this.#parsed.received !== this.#received) {
      this.#parsed = { received: this.#received, answers: answersIn(this.#received) }
    }
    return this.#parsed.answers
  }

  /** How many requests have their whole answer. */
  get finished(): number {
    return this.answers.filter(({ status, whole }) => status >= 200 && whole).length
  }

  get announcedClose(): boolean {
    return this.answers.some(({ head }) => head.some(line => /^connection: close$/i.test(line)))
  }

  write(data: Buffer): void {
    // What is written to a connection that is over costs the answers that have come in.
    if (data.length > 0 && this.#end === undefined) this.#socket.write(data)
  }

  /** Waits until `condition` holds, or the connection is over, or nothing comes any more. */
  async until(condition: () => boolean): Promise<void> {
    let since = performance.now()
    let silence = 0
    let { length } = this.#received
    while (this.#end === undefined && !condition()) {
      if (performance.now() - since > this.#patienceMs && silence > SILENT_TURNS) return
      await sleep(1)
      silence++
      if (length === this.#received.length) continue
      since = performance.now()
      silence = 0
      length = this.#received.length
    }
  }

  /** Hears the server out, says goodbye, and hears what it says to that. */
  async leave(): Promise<Transcript> {
    await this.until(() => false)
    const end = this.#end ?? 'open'
    this.#socket.end()
    await this.until(() => false)
    this.#socket.destroy()
    return { answers: this.answers, end }
  }
}
