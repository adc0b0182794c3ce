const noted = new WeakSet<object>()

/** What is read of it is told by whoever has made it, as it comes. */
export function setNoted(source: object): void {
  noted.add(source)
}

/** Whether somebody tells already what is read of it. */
export function isNoted(source: object): boolean {
  return noted.has(source)
}
