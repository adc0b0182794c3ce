import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { FAN_OUT } from './rows.ts'

/** What handlers that fan out ask, outside of the cage: each answer takes a moment, as from a database. */
const ANSWER_AFTER_MS = 20
const answer = Buffer.alloc(FAN_OUT.bytes, 'x')

const server = http.createServer(async (_req, res) => {
  await sleep(ANSWER_AFTER_MS)
  res.writeHead(200, { 'content-length': answer.length }).end(answer)
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  console.log(JSON.stringify({ listening: (server.address() as AddressInfo).port }))
})
