import { once } from 'node:events'
import { createServer } from 'node:http'
import { Governor, isPlimsollError, reservationOf } from '@plimsoll/core'
// As npm leaves it where two packages want versions that exclude each other.
import * as other from './other/node_modules/@plimsoll/core/dist/index.js'

const governor = new Governor({ budget: '1MiB' })
const second = new other.Governor({ budget: '1MiB' })

const server = createServer(
  governor.listener(
    second.listener((req, res) => {
      const { bytes } = reservationOf(req)
      const seenByBoth = other.reservationOf(req) === reservationOf(req)
      res.end(JSON.stringify({ bytes, seenByBoth, reservedTwice: second.stats().reserved }))
      req.resume()
    }),
  ),
)
await once(server.listen(0, '127.0.0.1'), 'listening')
const url = `http://127.0.0.1:${server.address().port}`
const response = await fetch(url, { method: 'POST', body: Buffer.alloc(65536) })
const seen = await response.json()
server.close()
await governor.close()
console.log(
  JSON.stringify({
    ...seen,
    copies: Governor === other.Governor ? 1 : 2,
    admitted: [governor.stats().admitted, second.stats().admitted],
    reserved: [governor.stats().reserved, second.stats().reserved],
    errorIsOurs: isPlimsollError(new other.PlimsollError('ERR_PLIMSOLL_OPTION', 'from the other copy')),
  }),
)
