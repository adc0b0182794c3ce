import http from 'node:http'
import type { Wave } from '../scenarios.ts'
import { Content } from './content.ts'
import { download, type Peer, upload } from './exchange.ts'
import { emptyTally, type Outcome } from './outcome.ts'
import type { Command, FloodReport, Report, Target } from './protocol.ts'
import { sendWave } from './wave.ts'

/** Runs outside the cage, as a process of its own: a client's memory is not the server's. */
const nothing: Wave = { requests: 0, concurrency: 0, bytes: 0, objects: 0 }
const stop = new AbortController()
/** Where the server has put each object of the flood, as it answered. */
const uploaded = new Map<number, string>()
let target: Target

process.on('message', (command: Command) => {
  obey(command).catch((error: Error) =>
    report({ type: 'failed', reason: `${command.type}: ${error.message}` }),
  )
})
// The bench is gone, and with it whoever wants to know.
process.on('disconnect', () => process.exit())

async function obey(command: Command): Promise<void> {
  switch (command.type) {
    case 'warm':
      target = command.target
      await warm()
      break
    case 'store':
      await store()
      break
    case 'flood':
      report({ type: 'flooded', flood: await flood() })
      return
    case 'verify':
      await verify()
      break
    case 'stop':
      stop.abort()
      return
  }
  report({ type: 'done', command: command.type })
}

/** Takes each path through the server once, with a body too small to leave a mark. */
async function warm(): Promise<void> {
  const small = new Content(0, 4096)
  const { routes, port, storePort } = target
  const path = await alone(storePort, peer => upload(peer, routes.upload, 'warm', small))
  for (let times = 0; times < 3; times++) await alone(port, peer => download(peer, path, small))
}

/** What the downloads will read. */
async function store(): Promise<void> {
  const { scenario, routes, storePort } = target
  const { objects, bytes } = scenario.downloads ?? nothing
  for (let object = 0; object < objects; object++) {
    const content = new Content(object, bytes)
    await alone(storePort, peer => upload(peer, routes.upload, `stored-${object}`, content))
  }
}

/** Reads some of what the flood has written: an upload that answered 200 must have been kept. */
async function verify(): Promise<void> {
  const { bytes } = target.scenario.uploads ?? nothing
  for (const [object, path] of [...uploaded].slice(0, 4)) {
    await alone(target.port, peer => download(peer, path, new Content(object, bytes)))
  }
}

/** @returns where the object is */
async function alone(port: number, send: (peer: Peer) => Promise<Outcome>): Promise<string> {
  const peer = peerAt(port, 1)
  const { answered, status, location } = await send(peer)
  peer.agent.destroy()
  if (!answered) throw new Error(`a request alone on the server got ${status}`)
  return location
}

async function flood(): Promise<FloodReport> {
  const { scenario, routes, port } = target
  const { uploads = nothing, downloads = nothing } = scenario
  const up = { tally: emptyTally(uploads.requests), peer: peerAt(port, uploads.concurrency) }
  const down = { tally: emptyTally(downloads.requests), peer: peerAt(port, downloads.concurrency) }
  stop.signal.addEventListener('abort', () => {
    up.peer.agent.destroy()
    down.peer.agent.destroy()
  })
  const progress = setInterval(
    () => report({ type: 'progress', answered: up.tally.answered + down.tally.answered }),
    100,
  )
  const started = performance.now()
  await Promise.all([
    sendWave(
      uploads,
      up.tally,
      async index => {
        const object = index % uploads.objects
        const content = new Content(object, uploads.bytes)
        const outcome = await upload(up.peer, routes.upload, `uploaded-${object}`, content)
        if (outcome.answered) uploaded.set(object, outcome.location)
        return outcome
      },
      stop.signal,
    ),
    sendWave(
      downloads,
      down.tally,
      index => {
        const object = index % downloads.objects
        const path = routes.download.replace(':key', `stored-${object}`)
        return download(down.peer, path, new Content(object, downloads.bytes))
      },
      stop.signal,
    ),
  ])
  clearInterval(progress)
  return { elapsedMs: performance.now() - started, uploads: up.tally, downloads: down.tally }
}

/** Kept-alive connections, as real clients have: their kernel buffers stay as large as they grew. */
function peerAt(port: number, concurrency: number): Peer {
  const agent = new http.Agent({ keepAlive: true, maxSockets: Math.max(1, concurrency) })
  return { port, agent, timeoutMs: 60_000 }
}

function report(message: Report): void {
  process.send?.(message)
}
