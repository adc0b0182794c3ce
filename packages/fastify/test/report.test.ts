import t from 'tap'
import { send } from './fixtures/client.ts'
import { governedApp } from './fixtures/governed-app.ts'

t.test('the report names routes by their patterns, and what there is not by one name', async t => {
  const { port, governor, leavesNothing } = await governedApp(t, {
    options: { budget: '1MiB', mode: 'observe' },
    before: app => app.get('/early/:id', async () => 'early'),
    routes: app =>
      app.register(
        async scope => {
          scope.get('/files/:id', async () => 'file')
          scope.post('/files/:id', async () => 'saved')
        },
        { prefix: '/api' },
      ),
  })
  for (const path of ['/api/files/1', '/api/files/b', '/early/1', '/nowhere', '/neither'])
    await send(port, path)
  await send(port, '/api/files/2', { body: '{}', headers: { 'content-type': 'application/json' } })
  await leavesNothing(t)
  const rows = governor.report().routes.map(({ route, requests }) => [route, requests])
  t.same(Object.fromEntries(rows), {
    'GET /api/files/:id': 2,
    'POST /api/files/:id': 1,
    'GET /early/:id': 1,
    'GET not found': 2,
    'POST /next': 1,
  })
})
