import { isPlimsollError } from '@plimsoll/core'
import { type ConfigOptions, frontProxyValues, renderConfig } from '@plimsoll/haproxy'
import { Command } from 'commander'
import { CommandError } from './command-error.ts'
import { countOption, serverOption, sizeOption } from './option-values.ts'

/** Named as the library's, and with its defaults. */
interface Options extends ConfigOptions {
  readonly values?: true
}

export function haproxyCommand(): Command {
  return new Command('haproxy')
    .description(
      'Print a configuration of HAProxy for servers with such a budget. Sizes: 512MiB, 1.5Gi, 64MB.',
    )
    .requiredOption('--budget <size>', 'budget of each process', sizeOption)
    .requiredOption(
      '--request-size <size>',
      'what a request holds while it is under way, on average',
      sizeOption,
    )
    .option('--largest-request <size>', 'what the largest hold (default: the same)', sizeOption)
    .option('--servers <host:port:agent...>', 'each pod; agent is the port of its agentCheck', serverOption)
    .option(
      '--concurrency <n>',
      'requests at once to a process at most (default: as many as fit)',
      countOption,
    )
    .option('--workers <n>', 'processes that share a port (default: 1)', countOption)
    .option('--proxies <n>', 'such HAProxies that share the load (default: 1)', countOption)
    .option('--queue-timeout-ms <ms>', 'how long a request may wait there (default: 30000)', countOption)
    .option('--bind <address:port>', 'where it listens (default: ":8080")')
    .option(
      '--form <form>',
      "'backends' to stand beside others, without global and frontend (default: whole)",
    )
    .option('--health-path <path>', 'a route that answers 200 (default: "/healthz")')
    .option('--large-paths <path...>', 'starts of paths whose answers are large')
    .option('--clients <n>', 'their connections at once (default: by ulimit -n)', countOption)
    .option('--values', 'print values for a Helm chart instead, as JSON, which is YAML')
    .action(print)
}

function print({ values, ...options }: Options): void {
  try {
    console.log(values ? JSON.stringify(frontProxyValues(options), null, 2) : renderConfig(options).trimEnd())
  } catch (error) {
    throw isPlimsollError(error) ? new CommandError(error.message) : error
  }
}
