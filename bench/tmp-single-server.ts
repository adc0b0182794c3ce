import Fastify from 'fastify'
import plimsoll from '@plimsoll/fastify'
const app = Fastify({ bodyLimit: 2**30 })
await app.register(plimsoll)
app.addContentTypeParser('application/x', { parseAs: 'buffer' }, (_r, b, done) => done(null, b))
app.post('/', async r => ({ n: (r.body as Buffer).length ?? 1 }))
app.get('/report', () => app.plimsoll.report())
app.addHook('onResponse', async () => { })
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' })
console.log('up', app.plimsoll.budget.capacity / 2**20)
