import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type FlightSample, readFlight } from '../src/flight-log.ts'
import { type Cage, makeCage } from './fixtures/cage.ts'
import { until } from './fixtures/until.ts'

// A guard against hanging, far beyond what all of it takes.
t.setTimeout(120_000)

const MIB = 2 ** 20
const KILLS = 5
const PERIOD_MS = 300
/** How old the last sample may be, with a period of a second. */
const PROMISED_MS = 2000

t.test('a process that was killed under load has left its last moment, each time', async t => {
  const file = join(t.testdir(), 'flight')
  const fixture = fileURLToPath(new URL('./fixtures/recorded-server.ts', import.meta.url))
  for (let kill = 0; kill < KILLS; kill++) {
    const child = spawn(process.execPath, [...process.execArgv, fixture, file, String(PERIOD_MS)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const port = await portOf(child)
    const stop = load(port, 8)
    await until(() => underLoad(readFlight(file)), 'two samples, one of them under load')
    child.kill('SIGKILL')
    const killedAt = Date.now()
    t.same(await once(child, 'exit'), [null, 'SIGKILL'])
    stop()
    const samples = readFlight(file)
    const last = samples.at(-1)
    const ageMs = killedAt - Number(last?.at)
    t.ok(ageMs <= PROMISED_MS, `the last sample is ${ageMs} ms old`)
    t.ok(Number(last?.admitted) > 0, 'under load')
    if (kill > 0) t.ok(readFlight(`${file}.previous`).length >= 2, 'and the run before is still there')
  }
})

const made = makeCage(160 * MIB)

t.test(
  'after an OOM kill the samples show how memory rose to the limit',
  {
    skip: 'reason' in made ? made.reason : false,
  },
  async t => {
    const cage = made as Cage
    t.teardown(() => cage.remove())
    const file = join(t.testdir(), 'flight')
    const child = cage.spawn('./recorded-server.ts', file, '20', 'leak')
    t.same(await once(child, 'exit'), [null, 'SIGKILL'])
    const samples = readFlight(file)
    const [first, last] = [samples[0], samples.at(-1)]
    t.equal(last?.limitBytes, 160 * MIB)
    t.ok(Number(last?.usedBytes) > 0.9 * 160 * MIB, `${Number(last?.usedBytes) / MIB} MiB at the end`)
    t.ok(Number(last?.externalBytes) > Number(first?.externalBytes), 'and what it was')
  },
)

function underLoad(samples: readonly FlightSample[]): boolean {
  return samples.length >= 2 && samples.some(({ reserved }) => reserved > 0)
}

async function portOf(child: ChildProcess): Promise<number> {
  const [line] = await once(createInterface(child.stdout as NodeJS.ReadableStream), 'line')
  return Number(line)
}

/** So many clients that upload 256 KiB over and over. */
function load(port: number, clients: number): () => void {
  const body = Buffer.alloc(256 * 1024)
  let stopped = false
  const send = (): void => {
    if (stopped) return
    const upload = request({ port, method: 'POST' }, res => res.resume().on('close', send))
    // The server was killed.
    upload.on('error', () => {})
    upload.end(body)
  }
  for (let client = 0; client < clients; client++) send()
  return () => {
    stopped = true
  }
}
