import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTheWayOut } from './on-the-way-out.ts'

/**
 * Runs a module in a fresh process and returns what it reports with `process.send`: each process
 * compiles and collects garbage in its own way, so figures from a single one repeat its luck.
 */
export function measureInProcess<T>(
  module: URL,
  args: readonly string[],
  nodeArguments: readonly string[] = [],
): Promise<T> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(module), [...args], {
      execArgv: ['--import', import.meta.resolve('tsx'), ...nodeArguments],
    })
    // One that computes does not notice that nobody waits for it any more.
    const end = onTheWayOut(() => child.kill('SIGKILL'))
    let report: T | undefined
    child.on('message', message => {
      report = message as T
    })
    child.on('exit', (code, signal) => {
      end()
      if (report !== undefined && code === 0) resolve(report)
      else reject(new Error(`${module.pathname} ended with ${signal ?? code} and reported nothing`))
    })
  })
}
