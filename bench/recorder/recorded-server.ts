import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { Governor } from '@plimsoll/core'

/** Reads uploads whole, and records: `recorded-server.ts <file>`. */
const [recorder = ''] = process.argv.slice(2)
const governor = new Governor({ budget: '64MiB', maxBody: '16MiB', recorder })
const server = createServer(
  governor.listener(async (req, res) => {
    res.end(String((await buffer(req)).length))
  }),
)
governor.attach(server)
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
