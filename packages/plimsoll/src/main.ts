#!/usr/bin/env node
import { CommandError } from './command-error.ts'
import { program } from './program.ts'

try {
  await program().parseAsync()
} catch (error) {
  /* c8 ignore next */ // Anything else is a bug that no test knows, and shows its stack.
  if (!(error instanceof CommandError)) throw error
  console.error(`error: ${error.message}`)
  process.exitCode = 1
}
