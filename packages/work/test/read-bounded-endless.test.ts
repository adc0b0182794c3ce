import t from 'tap'
import { readBounded } from '../src/read-bounded.ts'
import { clients } from './fixtures/clients.ts'
import { type Answering, Upstream, writeEndlessly } from './fixtures/upstream.ts'

const KiB = 1024
const LIMIT = 256 * KiB
/** What Node reads of a socket at once, and what zlib makes at once is less. */
const CHUNK = 64 * KiB

const CODINGS = ['plain', 'gzip'] as const

for (const client of clients) {
  for (const protocol of client.protocols) {
    for (const coding of CODINGS) {
      // Nobody has told it.
      if (client.name === "undici's body" && coding === 'gzip') continue
      t.test(
        `an endless response ends within a chunk of its limit: ${client.name}, ${protocol}, ${coding}`,
        async t => {
          const upstream = await Upstream.start(t, protocol, (res: Answering) =>
            writeEndlessly(res, coding === 'gzip'),
          )
          const { get, close } = client.open(upstream)
          const error = await readBounded(await get(), LIMIT).then(
            () => undefined,
            (error: unknown) => error as { code: string; bytes: number; limit: number },
          )
          t.match(error, { code: 'ERR_PLIMSOLL_RESPONSE_TOO_LARGE', statusCode: 502, limit: LIMIT })
          const beyond = (error?.bytes ?? Number.NaN) - LIMIT
          t.ok(beyond > 0 && beyond <= CHUNK, `${beyond} bytes beyond`)
          await upstream.idle(1)
          await close()
          await upstream.disconnected()
        },
      )
    }
  }
}
