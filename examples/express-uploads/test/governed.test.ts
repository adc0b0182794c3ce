import { once } from 'node:events'
import t from 'tap'
import { beginForm, endOfForm, sendFile, sendImage, sendManyFields } from './form.ts'
import { serve, until } from './serve.ts'

const MiB = 2 ** 20

t.test('a file reserves its form, and no more than a window of it', async t => {
  await serve(t, {}, async ({ url, governor }) => {
    for (const [bytes, reserved] of [
      [200 * MiB, MiB],
      [1_000, undefined],
    ] as const) {
      const upload = beginForm(`${url}/files`, 'file', bytes)
      upload.on('error', () => {})
      await until(() => governor.budget.reserved > 0)
      t.equal(governor.budget.reserved, reserved ?? Number(upload.getHeader('content-length')))
      upload.destroy()
      await until(() => governor.budget.reserved === 0)
    }
  })
})

t.test('an image reserves twice its form, before a byte of it is sent', async t => {
  await serve(t, {}, async ({ url, governor }) => {
    const upload = beginForm(`${url}/images`, 'image', MiB, { expect: '100-continue' })
    upload.on('error', () => {}).flushHeaders()
    await once(upload, 'continue')
    t.equal(governor.budget.reserved, 2 * Number(upload.getHeader('content-length')))
    upload.destroy()
  })
})

t.test('images beyond the budget wait, files pass where they fit, and all of them are stored', async t => {
  await serve(t, { budget: 4 * MiB }, async ({ url, governor }) => {
    const first = beginForm(`${url}/images`, 'image', MiB)
    await until(() => governor.budget.reserved > 0)
    const images = Array.from({ length: 4 }, (_, index) => sendImage(url, Buffer.alloc(MiB, index)))
    await until(() => governor.budget.waiting === 4)
    t.same(await (await fetch(`${url}/images`)).json(), [], 'a list costs nothing and waits for nobody')
    t.equal((await fetch(`${url}/health`)).status, 200)
    first.end(Buffer.concat([Buffer.alloc(MiB, 'x'), Buffer.from(endOfForm)]))
    const [answer] = await once(first, 'response')
    answer.resume()
    t.equal(answer.statusCode, 201)
    t.same(
      (await Promise.all(images)).map(({ status }) => status),
      Array(4).fill(201),
    )
    const list = (await (await fetch(`${url}/images`)).json()) as unknown[]
    t.equal(list.length, 5)
    t.equal((await sendFile(url, 'a', Buffer.alloc(8 * MiB))).status, 201)
  })
})

t.test('an image that is broken off gives its bytes to the one that waits for them', async t => {
  await serve(t, { budget: 3 * MiB }, async ({ url, governor }) => {
    const half = beginForm(`${url}/images`, 'image', MiB)
    half.on('error', () => {}).write(Buffer.alloc(1_000))
    await until(() => governor.budget.reserved > 0)
    const whole = sendImage(url, Buffer.alloc(MiB))
    await until(() => governor.budget.waiting === 1)
    half.destroy()
    t.equal((await whole).status, 201)
  })
})

t.test('what is larger than its limit is refused before it is sent', async t => {
  await serve(t, { fileLimit: 2 * MiB, imageLimit: MiB }, async ({ url }) => {
    for (const [path, field, bytes] of [
      ['files', 'file', 3 * MiB],
      ['images', 'image', 2 * MiB],
    ] as const) {
      const upload = beginForm(`${url}/${path}`, field, bytes, { expect: '100-continue' })
      upload.on('continue', () => t.fail('it was told to go on'))
      upload.flushHeaders()
      const [answer] = await once(upload, 'response')
      t.equal(answer.statusCode, 413, path)
      upload.destroy()
    }
  })
})

t.test('a body without a length is bounded too, and leaves nothing', async t => {
  await serve(t, { fileLimit: 2 * MiB, imageLimit: MiB }, async ({ url }) => {
    for (const [path, field] of [
      ['files', 'file'],
      ['images', 'image'],
    ] as const) {
      const upload = beginForm(`${url}/${path}`, field, undefined)
      upload.end(Buffer.alloc(3 * MiB))
      const [answer] = await once(upload, 'response')
      t.equal(answer.statusCode, 413, path)
      const text = await new Response(answer).text()
      t.notMatch(text, /PLIMSOLL/, 'the handlers answer by themselves')
      t.same(await (await fetch(`${url}/${path}`)).json(), [])
    }
  })
})

t.test('a form of 100,000 fields is refused at the eleventh', async t => {
  await serve(t, {}, async ({ url }) => {
    for (const path of ['files', 'images']) {
      t.match(await sendManyFields(`${url}/${path}`, 100_000), { status: 400, text: 'Too many fields' })
    }
  })
})
