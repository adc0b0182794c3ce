import { Command } from 'commander'
import { countOption } from './option-values.ts'
import { readReport } from './read-report.ts'
import { reportText } from './report-text.ts'

interface Options {
  readonly json?: true
  readonly routes: number
  readonly timeout: number
}

export function reportCommand(): Command {
  return new Command('report')
    .description('Show what a governor has measured: what routes cost, and the budget they ask for.')
    .argument('<URL | file>', 'where the JSON of governor.report() is; - for the standard input')
    .option('--json', 'print the report as JSON, once it is checked')
    .option('--routes <n>', 'how many routes to show, the most expensive first', countOption, 20)
    .option('--timeout <ms>', 'how long a URL may take', countOption, 10_000)
    .action(show)
}

async function show(source: string, { json, routes, timeout }: Options): Promise<void> {
  const report = await readReport(source, timeout)
  console.log(json ? JSON.stringify(report, null, 2) : reportText(report, routes))
}
