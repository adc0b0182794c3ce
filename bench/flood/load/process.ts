import http from 'node:http'
import type { Scenario, Wave } from '../scenarios.ts'
import { Content } from './content.ts'
import { download, type Target, upload } from './exchange.ts'
import { emptyTally, type Outcome } from './outcome.ts'
import type { Command, FloodReport, Report } from './protocol.ts'
import { sendWave } from './wave.ts'

/** Runs outside the cage, as a process of its own: a client's memory is not the server's. */
const nothing: Wave = { requests: 0, concurrency: 0, bytes: 0, objects: 0 }
const stop = new AbortController()
let port = 0
let uploads = nothing
let downloads = nothing

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
      aim(command.port, command.scenario)
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

function aim(to: number, scenario: Scenario): void {
  port = to
  uploads = scenario.uploads ?? nothing
  downloads = scenario.downloads ?? nothing
}

/** Takes each path through the server once, with a body too small to leave a mark. */
async function warm(): Promise<void> {
  const small = new Content(0, 4096)
  await oneByOne(1, target => upload(target, 'warm', small))
  await oneByOne(3, target => download(target, 'warm', small))
}

/** What the downloads will read. */
async function store(): Promise<void> {
  await oneByOne(downloads.objects, (target, object) =>
    upload(target, `stored-${object}`, new Content(object, downloads.bytes)),
  )
}

/** Reads some of what the flood has written: an upload that answered 200 must have been kept. */
async function verify(): Promise<void> {
  const written = Math.min(uploads.objects, 4)
  await oneByOne(written, (target, object) =>
    download(target, `uploaded-${object}`, new Content(object, uploads.bytes)),
  )
}

async function oneByOne(
  times: number,
  send: (target: Target, index: number) => Promise<Outcome>,
): Promise<void> {
  const target = targetFor(1)
  for (let index = 0; index < times; index++) {
    const outcome = await send(target, index)
    if (!outcome.answered) throw new Error(`request ${index} alone on the server got ${outcome.status}`)
  }
  target.agent.destroy()
}

async function flood(): Promise<FloodReport> {
  const up = { wave: uploads, tally: emptyTally(uploads.requests), target: targetFor(uploads.concurrency) }
  const down = {
    wave: downloads,
    tally: emptyTally(downloads.requests),
    target: targetFor(downloads.concurrency),
  }
  stop.signal.addEventListener('abort', () => {
    up.target.agent.destroy()
    down.target.agent.destroy()
  })
  const progress = setInterval(
    () => report({ type: 'progress', answered: up.tally.answered + down.tally.answered }),
    100,
  )
  const started = performance.now()
  await Promise.all([
    sendWave(
      up.wave,
      up.tally,
      index => {
        const object = index % up.wave.objects
        return upload(up.target, `uploaded-${object}`, new Content(object, up.wave.bytes))
      },
      stop.signal,
    ),
    sendWave(
      down.wave,
      down.tally,
      index => {
        const object = index % down.wave.objects
        return download(down.target, `stored-${object}`, new Content(object, down.wave.bytes))
      },
      stop.signal,
    ),
  ])
  clearInterval(progress)
  return { elapsedMs: performance.now() - started, uploads: up.tally, downloads: down.tally }
}

/** Kept-alive connections, as real clients have: their kernel buffers stay as large as they grew. */
function targetFor(concurrency: number): Target {
  const agent = new http.Agent({ keepAlive: true, maxSockets: Math.max(1, concurrency) })
  return { port, agent, timeoutMs: 60_000 }
}

function report(message: Report): void {
  process.send?.(message)
}
