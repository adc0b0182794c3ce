import { printable } from './wording.ts'

/** What the user can mend: said without a stack. It may quote what a server or a file says. */
export class CommandError extends Error {
  constructor(message: string) {
    super(printable(message))
  }
}
