import { fileURLToPath } from 'node:url'
import { parseByteSize } from '@plimsoll/core'
import type { Framework } from '../flood/servers.ts'

/** What stands in front of the same object store, and what it is called. */
export const serverNames = {
  ungoverned: 'without',
  semaphore: 'plain semaphore',
  plimsoll: 'Plimsoll',
  shares: 'Plimsoll, a share for each address',
} as const
export type ServerKind = keyof typeof serverNames
export const serverKinds = Object.keys(serverNames) as ServerKind[]

/** The program and its arguments. Plimsoll gets a budget, and is otherwise as it comes, but for shares. */
export function serverProgram(
  framework: Framework,
  kind: ServerKind,
  budget: string,
  storage: readonly string[],
) {
  const modes: Readonly<Record<ServerKind, readonly string[]>> = {
    ungoverned: ['--ungoverned'],
    semaphore: ['--ungoverned', `--semaphore=${parseByteSize(budget)}`],
    plimsoll: ['--budget', budget],
    shares: ['--budget', budget, '--shares'],
  }
  return {
    module: fileURLToPath(new URL(`../flood/servers/object-store-${framework}.ts`, import.meta.url)),
    args: [...storage, ...modes[kind]],
  }
}
