import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { adviseCommand } from './advise-command.ts'
import { haproxyCommand } from './haproxy-command.ts'
import { lastCommand } from './last-command.ts'
import { reportCommand } from './report-command.ts'

/** The command line. Each command brings its own options. */
export function program(): Command {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return new Command('plimsoll')
    .description('Reads what a governor has measured, and advises on budgets, limits and queues.')
    .version(JSON.parse(manifest).version)
    .addCommand(reportCommand())
    .addCommand(adviseCommand())
    .addCommand(lastCommand())
    .addCommand(haproxyCommand())
}
