import { once } from 'node:events'
import t from 'tap'
import { PROTOCOLS } from '../src/protocol.ts'
import { ask } from './client.ts'
import { serve, until } from './serve.ts'

const MiB = 2 ** 20

for (const protocol of PROTOCOLS) {
  t.test(`${protocol}: a server that stops finishes what it has admitted, and nothing else`, async t => {
    await serve(t, protocol, '3MiB', async ({ client, governor, server, stop }) => {
      const closed = once(server, 'close')
      const admitted = client.send('PUT', '/notes/a', { 'content-length': MiB })
      await until(() => governor.budget.available === 0)
      const waiting = client.send('PUT', '/notes/b', { 'content-length': MiB })
      await until(() => governor.budget.waiting === 1)

      const stopped = stop()
      const { status, body } = await waiting.answer
      t.equal(status, 503)
      t.equal(JSON.parse(body).code, 'ERR_PLIMSOLL_CLOSED')
      await t.rejects(ask(client, 'GET', '/health'), 'nobody new is let in')
      admitted.body.end('1'.repeat(MiB))
      t.equal((await admitted.answer).status, 204)
      await stopped
      await closed
    })
  })
}
