#!/usr/bin/env node
import { CommandError } from './command-error.ts'
import { program } from './program.ts'

try {
  await program().parseAsync()
} catch (error) {
  // Anything else is a bug, and shows its stack.
  if (!(error instanceof CommandError)) throw error
  console.error(`error: ${error.message}`)
  process.exitCode = 1
}
