import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'

/**
 * Starts a program that listens on the port its environment names, as a README shows it, until the test is over.
 *
 * @param folder where it keeps its files
 * @returns the port
 */
export async function startProgram(t: Test, file: string, folder: string): Promise<number> {
  const port = await freePort()
  const args = ['--conditions=plimsoll-source', '--import', import.meta.resolve('tsx'), file]
  // An environment of its own: the loader it runs with would confuse what is measured of coverage.
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { PORT: String(port) },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  t.teardown(() => child.kill())
  while (!(await listens(port))) {
    if (child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode}`)
    await sleep(20)
  }
  return port
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
