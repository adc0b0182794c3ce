import t from 'tap'
import { noReservation } from '../src/no-reservation.ts'
import { noteRead, noteTasks } from '../src/note-work.ts'
import { scenario } from './fixtures/governed-server.ts'
import { KeptRequests } from './fixtures/kept-requests.ts'
import { head } from './fixtures/raw-client.ts'

{
  const kept = new KeptRequests()
  scenario(
    'what is noted of requests adds up by their routes',
    { handler: kept.handler },
    async (t, server) => {
      const client = await server.connect()
      client.write(head('GET', '/a') + head('GET', '/a') + head('GET', '/b'))
      await server.reached(3)
      noteTasks(kept.at(0).reservation, 3)
      noteTasks(kept.at(0).reservation, 1)
      noteRead(kept.at(0).reservation, 500, 100)
      noteRead(kept.at(1).reservation, 50)
      for (const { res } of kept.all) res.end()
      await client.answers(3)
      await server.idle()
      const rows = server.governor.report().routes.map(({ route, work }) => [route, work])
      t.same(Object.fromEntries(rows), {
        'GET /a': { runs: 2, tasks: 4, readBytes: 550, declaredBytes: 100, outlived: 0, outlivedMs: 0 },
        'GET /b': undefined,
      })
      t.notOk('work' in Object(server.governor.report().routes.find(({ route }) => route === 'GET /b')))
    },
  )
}

t.test('of a request that nobody has met there is nothing to note', async t => {
  t.doesNotThrow(() => noteTasks(noReservation, 1))
  t.doesNotThrow(() => noteRead(noReservation, 1))
})
