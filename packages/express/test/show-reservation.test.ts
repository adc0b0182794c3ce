import type { IncomingMessage } from 'node:http'
import { send, serve } from '@plimsoll/contract'
import type { Request, Response } from 'express'
import t from 'tap'
import { plimsoll, type RequestReservation } from '../src/index.ts'
import { inBoth } from './fixtures/express-versions.ts'
import { silent } from './fixtures/silent.ts'

const COST = 10 * 1024

function shown(req: Request, res: Response): void {
  res.json([req.plimsoll?.bytes ?? null, Object.hasOwn(req, 'plimsoll')])
}

inBoth('an application’s requests have it by their prototype, once they are governed', async (t, express) => {
  const governed = plimsoll({ budget: '1MiB', cost: COST, logger: silent })
  const sub = express().get('/inside', shown)
  const app = express().get('/before', shown).use(governed).use('/sub', sub).get('/after', shown)
  const { port } = await serve(t, app, governed.governor)
  for (let times = 0; times < 2; times++) {
    for (const path of ['/after', '/sub/inside']) t.same(await read(port, path), [COST, false], path)
    t.same(await read(port, '/before'), [null, false])
  }
})

inBoth('an application knows nothing of another’s', async (t, express) => {
  const governed = plimsoll({ budget: '1MiB', cost: COST, logger: silent })
  const app = await serve(t, express().use(governed).get('/', shown), governed.governor)
  const other = express().get('/', (req, res) => {
    res.json('plimsoll' in req)
  })
  const { port } = await serve(t, other, governed.governor)
  t.same(await read(app.port, '/'), [COST, false])
  t.equal(await read(port, '/'), false)
})

t.test('without Express it is the request’s own, and Node’s class stays as it is', async t => {
  const governed = plimsoll({ budget: '1MiB', cost: COST, logger: silent })
  const { port } = await serve(
    t,
    (req: IncomingMessage & { plimsoll?: RequestReservation }, res) => {
      governed(req, res, () => res.end(JSON.stringify([req.plimsoll?.bytes, Object.hasOwn(req, 'plimsoll')])))
    },
    governed.governor,
  )
  t.same(await read(port, '/'), [COST, true])
})

async function read(port: number, path: string): Promise<unknown> {
  return JSON.parse((await send(port, path)).text)
}
