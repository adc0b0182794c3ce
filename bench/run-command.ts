import type { CAC } from 'cac'

/** Runs what the command line asks for. What goes wrong is said without a stack: mostly it is an option. */
export async function runCommand(cli: CAC): Promise<void> {
  cli.help()
  cli.parse(process.argv, { run: false })
  try {
    await cli.runMatchedCommand()
  } catch (error) {
    console.error(`\n${(error as Error).message}`)
    process.exitCode = 1
  }
}
