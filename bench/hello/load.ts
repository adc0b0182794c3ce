import autocannon from 'autocannon'

/** Sends one kind of request for a while, and again for each message: `load.ts <port> <route>`. */
const [port, route] = process.argv.slice(2)
const kilobyte = JSON.stringify({ text: 'x'.repeat(1_024 - '{"text":""}'.length) })
const request =
  route === 'POST 1 KiB'
    ? { method: 'POST' as const, body: kilobyte, headers: { 'content-type': 'application/json' } }
    : { method: 'GET' as const }

export interface LoadReport {
  readonly requests: number
  readonly seconds: number
}

process.on('message', async ({ seconds }: { seconds: number }) => {
  const result = await autocannon({
    url: `http://127.0.0.1:${port}/`,
    connections: 64,
    duration: seconds,
    ...request,
  })
  if (result.errors + result.non2xx > 0) throw new Error(`${result.errors} errors, ${result.non2xx} not 2xx`)
  process.send?.({ requests: result.requests.total, seconds: result.duration } satisfies LoadReport)
})
process.on('disconnect', () => process.exit())
