import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { Governor, isPlimsollError, reservationOf } from '@plimsoll/core'

const governor = new Governor({
  budget: '64MiB',
  maxBody: '8MiB',
  // The declared body is the default. JSON takes up to six times that: its bytes, their text, what is parsed from it.
  cost: { fixed: '64KiB', perByte: 6 },
  exempt: ({ url }) => url === '/health',
})

const server = createServer(
  governor.listener(async (req, res) => {
    try {
      const document = req.method === 'POST' ? await json(req) : undefined
      res.end(JSON.stringify({ document, held: reservationOf(req).bytes }))
    } catch (error) {
      // Thrown on, a refusal is answered by the governor.
      if (isPlimsollError(error)) throw error
      res.writeHead(400).end()
    }
  }),
)

// So that `Expect: 100-continue` is answered when there is room.
governor.attach(server)
server.listen(Number(process.env.PORT ?? 3000))

process.once('SIGTERM', async () => {
  server.close()
  await governor.close()
})
