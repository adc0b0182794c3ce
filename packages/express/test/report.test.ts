import { send, serve, until } from '@plimsoll/contract'
import { plimsoll } from '../src/index.ts'
import { inBoth } from './fixtures/express-versions.ts'
import { silent } from './fixtures/silent.ts'

inBoth(
  'the report names routes by their patterns, and those without one by their paths',
  async (t, express) => {
    const governed = plimsoll({ budget: '1MiB', mode: 'observe', logger: silent })
    const { governor } = governed
    const router = express.Router()
    router.get('/files/:id', (_req, res) => {
      res.send('file')
    })
    const app = express().use(governed)
    app.use('/api', router)
    app.get(/^\/by-expression/, (_req, res) => {
      res.send('matched')
    })
    app.use('/without', (_req, res) => {
      res.send('no route')
    })
    const { port } = await serve(t, app, governor)
    for (const path of ['/api/files/1', '/api/files/b', '/by-expression', '/without', '/nowhere'])
      await send(port, path)
    await until(() => governor.stats().active === 0, 'the end of all')
    const rows = governor.report().routes.map(({ route, requests }) => [route, requests])
    t.same(Object.fromEntries(rows), {
      'GET /api/files/:id': 2,
      'GET /by-expression': 1,
      'GET /without': 1,
    })
  },
)
