import { scenarioNamed } from '../scenarios.ts'
import { playScenario } from './play-scenario.ts'
import type { Command, Report } from './protocol.ts'

/** Runs outside the cage, as a process of its own: a client's memory is not the server's. */
const stop = new AbortController()

process.on('message', (command: Command) => {
  if (command.type === 'stop') stop.abort()
  else
    play(command.port, command.scenario).catch((error: Error) =>
      report({ type: 'failed', reason: error.message }),
    )
})
// The bench is gone, and with it whoever wants to know.
process.on('disconnect', () => process.exit())

async function play(port: number, name: string): Promise<void> {
  const progress = (answered: number) => report({ type: 'progress', answered })
  report({ type: 'played', report: await playScenario(port, scenarioNamed(name), stop.signal, progress) })
}

function report(message: Report): void {
  process.send?.(message)
}
