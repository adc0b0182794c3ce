/** What the bench tells a process that sends a load, over the IPC channel of a fork. */
export type Command<Order> = { readonly type: 'play'; readonly order: Order } | { readonly type: 'stop' }

/** And what it hears: progress while a load runs, then one of the others. */
export type Report<Played> =
  | { readonly type: 'progress'; readonly answered: number }
  | { readonly type: 'played'; readonly report: Played }
  | { readonly type: 'failed'; readonly reason: string }

/** Makes this process one that plays what it is told to, and ends with the bench. */
export function playOrders<Order, Played>(
  play: (order: Order, stop: AbortSignal, onProgress: (answered: number) => void) => Promise<Played>,
): void {
  const stop = new AbortController()
  const tell = (report: Report<Played>): void => {
    process.send?.(report)
  }
  process.on('message', (command: Command<Order>) => {
    if (command.type === 'stop') stop.abort()
    else
      play(command.order, stop.signal, answered => tell({ type: 'progress', answered })).then(
        report => tell({ type: 'played', report }),
        (error: Error) => tell({ type: 'failed', reason: error.message }),
      )
  })
  // The bench is gone, and with it whoever wants to know.
  process.on('disconnect', () => process.exit())
}
