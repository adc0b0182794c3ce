import { Command } from 'commander'
import { advise } from './advice.ts'
import { adviceText } from './advice-text.ts'
import { countOption, sizeOption } from './option-values.ts'
import { readReport } from './read-report.ts'
import type { Question } from './sizing.ts'

interface Options extends Omit<Question, 'report' | 'host'> {
  readonly json?: true
  readonly nodeMemory?: number
  readonly report?: string
  readonly timeout: number
}

export function adviseCommand(): Command {
  return new Command('advise')
    .description(
      'Say what to set: budget, connections, heap, limit of the container, queues. Sizes: 512MiB, 1.5Gi, 64MB.',
    )
    .option(
      '--limit <size>',
      "memory limit of the container (default: the report's, else the one here)",
      sizeOption,
    )
    .option(
      '--idle <size>',
      "resident memory of an idle process (default: the report's, else 80MiB)",
      sizeOption,
    )
    .option('--report <URL | file>', 'where the JSON of governor.report() is; - for the standard input')
    .option(
      '--budget <size>',
      "budget of each process (default: the report's where the limit carries it)",
      sizeOption,
    )
    .option(
      '--request-size <size>',
      'what a request holds while it is under way (default: from the report)',
      sizeOption,
    )
    .option('--pods <n>', 'such containers on one host', countOption, 1)
    .option('--workers <n>', 'processes in one container (cluster, PM2)', countOption, 1)
    .option('--host, --node-memory <size>', 'memory of the host that is for containers', sizeOption)
    .option('--timeout <ms>', 'how long the URL of a report may take', countOption, 10_000)
    .option('--json', 'print it as JSON')
    .action(say)
}

async function say({ json, nodeMemory, report: source, timeout, ...asked }: Options): Promise<void> {
  const report = source === undefined ? undefined : await readReport(source, timeout)
  const advice = advise({
    ...asked,
    ...(report && { report }),
    ...(nodeMemory !== undefined && { host: nodeMemory }),
  })
  console.log(json ? JSON.stringify(advice, null, 2) : adviceText(advice))
}
