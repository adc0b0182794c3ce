import { existsSync } from 'node:fs'
import { type FlightSample, readFlight } from '@plimsoll/core'
import { Command } from 'commander'
import { CommandError } from './command-error.ts'
import { flightText } from './flight-text.ts'
import { countOption } from './option-values.ts'
import { unreadable } from './read-source.ts'

interface Options {
  readonly json?: true
  readonly seconds: number
}

export function lastCommand(): Command {
  return new Command('last')
    .description("Show the last minute of a governor, from its recorder's file: also after it was killed.")
    .argument('<file>', "the file that the governor's option `recorder` names")
    .option('--seconds <n>', 'how much of it', countOption, 60)
    .option('--json', 'print the samples as JSON, oldest first')
    .action(show)
}

function show(file: string, { json, seconds }: Options): void {
  const samples = samplesOf(file)
  const end = samples.at(-1) as FlightSample
  const last = samples.filter(({ at }) => at > end.at - 1000 * seconds)
  console.log(json ? JSON.stringify(last, null, 2) : flightText(last))
  const previous = `${file}.previous`
  // Who was restarted after a kill has a new file by now.
  if (!json && existsSync(previous)) console.log(`\nThe run before is in ${previous}.`)
}

function samplesOf(file: string): FlightSample[] {
  let samples: FlightSample[]
  try {
    samples = readFlight(file)
  } catch (error) {
    throw unreadable(file, error)
  }
  if (samples.length === 0) {
    throw new CommandError(
      `${file} has no samples: either it is no recorder's file, or its run was over at once`,
    )
  }
  return samples
}
