import { setMaxListeners } from 'node:events'
import http from 'node:http'
import { Content } from '../../flood/load/content.ts'
import { upload } from '../../flood/load/exchange.ts'
import { emptyTally, type Tally } from '../../flood/load/outcome.ts'
import { objectStoreRoutes } from '../../flood/servers.ts'
import type { Scenario } from '../scenarios.ts'
import { beginAttack } from './begin-attack.ts'
import { Flood } from './flood.ts'
import { sendHonest } from './honest-requests.ts'
import type { LoadReport } from './protocol.ts'

/** What one scenario is: attackers first, then the honest, and a flood beside them where there is one. */
export async function playScenario(
  port: number,
  scenario: Scenario,
  stop: AbortSignal,
  onProgress: (answered: number) => void,
): Promise<LoadReport> {
  const honest = scenario.honest.map(({ requests = 0 }) => emptyTally(requests))
  const withdraw = new AbortController()
  const attackEnds = AbortSignal.any([stop, withdraw.signal])
  // Hundreds of requests listen to one of these.
  setMaxListeners(0, stop, attackEnds)
  await prepare(port, scenario)

  const started = performance.now()
  const progress = setInterval(() => onProgress(honest.reduce((sum, tally) => sum + tally.answered, 0)), 100)
  const attack = scenario.attackers && beginAttack(port, scenario.attackers, attackEnds)
  await attack?.established()
  const flood = scenario.flood && new Flood(port, scenario.flood, stop)
  const others = (over: AbortController) => sendAll(port, scenario, honest, stop, over)
  if (flood === undefined) await others(new AbortController())
  else if (scenario.flood?.rounds === undefined) await flood.beside(others)
  else await flood.inRounds(scenario.flood.rounds, others)
  withdraw.abort()
  await attack?.ended()
  clearInterval(progress)
  return {
    honest,
    ...(attack && { attack: attack.tally }),
    ...(flood && { flood: flood.tally }),
    elapsedMs: performance.now() - started,
  }
}

/** All honest requests; streams stay until the others are done. */
async function sendAll(
  port: number,
  { honest }: Scenario,
  tallies: readonly Tally[],
  stop: AbortSignal,
  over: AbortController,
): Promise<void> {
  setMaxListeners(0, over.signal)
  const streams: Promise<void>[] = []
  const others: Promise<void>[] = []
  for (const [index, kind] of honest.entries()) {
    const sent = sendHonest(port, kind, tallies[index] as Tally, { stop, over: over.signal })
    if (kind.kind === 'events') streams.push(sent)
    else others.push(sent)
  }
  await Promise.all(others)
  over.abort()
  await Promise.all(streams)
}

/** A server that has served before, with the object that is downloaded. */
async function prepare(port: number, { attackers, honest }: Scenario): Promise<void> {
  const downloads = [...honest.filter(({ kind }) => kind === 'download'), ...(attackers ? [attackers] : [])]
  const bytes = Math.max(
    4096,
    ...downloads.map(({ kind, bytes }) => (kind === 'download' || kind === 'reader' ? bytes : 0)),
  )
  const agent = new http.Agent({ keepAlive: false })
  const peer = { port, agent, timeoutMs: 10_000 }
  const { answered, status } = await upload(peer, objectStoreRoutes.upload, 'stored-0', new Content(0, bytes))
  if (!answered) throw new Error(`an upload alone on the server got ${status}`)
}
