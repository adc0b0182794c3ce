import { fileURLToPath } from 'node:url'
import { complaintsOf } from '@plimsoll/contract'
import t from 'tap'

const app = fileURLToPath(new URL('fixtures/typed-app.ts', import.meta.url))
const types = fileURLToPath(new URL('../node_modules/@types/express4', import.meta.url))

// A compiler's work, on a machine that has other work.
t.setTimeout(120_000)

// With those of Express 5 it is compiled by `tsc -p tsconfig.json`, as all that is here.
t.test('an application is typed by the types of Express 4, too, and a mistaken one told so', async t => {
  t.strictSame(complaintsOf(app, { express: types }), [])
})
