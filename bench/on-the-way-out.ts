/**
 * Work that must be done however the bench ends: done, failed, or Ctrl-C. It has to be synchronous,
 * since no event loop turns any more once a process is on its way out.
 * @returns does the work now, once, and forgets it
 */
export function onTheWayOut(work: () => void): () => void {
  listen()
  duties.add(work)
  return () => {
    if (duties.delete(work)) work()
  }
}

const duties = new Set<() => void>()
let listening = false

function listen(): void {
  if (listening) return
  listening = true
  process.on('exit', () => {
    // The last first, as with nested resources: the process in a cage ends before its files go.
    for (const work of [...duties].reverse()) work()
  })
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const) {
    process.on(signal, () => process.exit(128 + number))
  }
}
