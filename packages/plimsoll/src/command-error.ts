/** What the user can mend: said without a stack. */
export class CommandError extends Error {}
