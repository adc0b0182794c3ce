import { parseArgs } from 'node:util'
import { serve } from '@hono/node-server'
import { buildApp } from './app.ts'

const { values } = parseArgs({
  options: { port: { type: 'string', default: '3000' }, budget: { type: 'string', default: 'auto' } },
})

const { app, governor } = buildApp({
  budget: values.budget,
  maxBody: '16MiB',
  // A parsed form is there three times: as it came, as one buffer, and as files. JSON likewise, as text and objects.
  cost: ({ declaredBytes = 0 }) => 3 * declaredBytes,
  exempt: ({ url }) => url === '/health',
})

const server = serve({ fetch: app.fetch, port: Number(values.port) }, ({ port }) => {
  console.log(JSON.stringify({ listening: port }))
})
governor.attach(server)

process.once('SIGTERM', async () => {
  server.close()
  await governor.close()
})
