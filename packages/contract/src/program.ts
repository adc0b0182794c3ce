import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { UNCOVERED } from './uncovered.ts'

const TELL_PORT = fileURLToPath(new URL('tell-port.ts', import.meta.url))

/**
 * Starts a program that listens on the port its environment names, as a README shows it, until the test is over.
 *
 * @param folder where it keeps its files
 * @returns the port, a free one
 */
export async function startProgram(t: Test, file: string, folder: string): Promise<number> {
  const tsx = import.meta.resolve('tsx')
  const child = fork(file, {
    execArgv: ['--conditions=plimsoll-source', '--import', tsx, '--import', TELL_PORT],
    cwd: folder,
    env: { ...UNCOVERED, PORT: '0' },
  })
  t.teardown(() => child.kill())
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${file} ended with ${code}`)
  })
  const [port] = (await Promise.race([once(child, 'message'), ended])) as [number]
  // It ends with the test.
  ended.catch(() => {})
  return port
}
