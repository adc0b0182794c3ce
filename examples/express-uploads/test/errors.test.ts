import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'
import t from 'tap'
import { answerError, UploadError } from '../src/errors.ts'

t.test(
  'an error after the head of an answer cuts its connection, so that nobody takes half for whole',
  async t => {
    const app = express()
    app.set('env', 'test')
    app.get('/', (_req, res, next) => {
      res.write('half')
      next(new UploadError(400, 'too late'))
    })
    app.use(answerError)
    const server = app.listen(0, '127.0.0.1')
    t.teardown(() => server.close())
    await once(server, 'listening')
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    t.equal(answer.status, 200)
    await t.rejects(answer.text())
  },
)
