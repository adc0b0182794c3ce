import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { curlUpload, plain, plainHttps, type Running, until } from '../src/index.ts'

const SIZE = 4 * 2 ** 20

for (const framework of [plain, plainHttps]) {
  const { name, protocol } = framework

  async function serve(t: Test): Promise<Running & { url(path: string): string; file: string }> {
    const running = await framework.serve({
      options: { budget: SIZE, queue: { limit: 1 }, logger: { info() {}, warn() {}, error() {} } },
      routes: [
        {
          method: 'PUT',
          path: '/stored',
          handle: async ({ body, reply }) => reply({ body: String((await body()).length) }),
        },
      ],
    })
    t.teardown(() => running.stop())
    const file = join(t.testdir({}), 'body')
    await writeFile(file, Buffer.alloc(SIZE))
    return { ...running, url: path => `${protocol}://127.0.0.1:${running.port}${path}`, file }
  }

  t.test(`${name}: curl is told to go on, and keeps its connection`, async t => {
    const { url, file } = await serve(t)
    t.same(await curlUpload(file, [url('/stored'), url('/stored')], '--insecure'), [
      { status: 200, sent: SIZE, connects: 1 },
      { status: 200, sent: SIZE, connects: 0 },
    ])
  })

  t.test(`${name}: curl sends no byte of a body that is refused`, async t => {
    const { governor, url, file } = await serve(t)
    const room = governor.budget.tryAcquire(1)
    const waiting = curlUpload(file, [url('/stored')], '--insecure')
    await until(() => governor.stats().waiting === 1, 'a full queue')
    t.same(await curlUpload(file, [url('/stored')], '--insecure'), [{ status: 503, sent: 0, connects: 1 }])
    room?.release()
    t.same(await waiting, [{ status: 200, sent: SIZE, connects: 1 }], 'who waited is served')
    t.match(governor.stats(), { admitted: 1, refused: { ERR_PLIMSOLL_QUEUE_FULL: 1 } })
  })

  t.test(`${name}: curl sends no byte of a body that is too large`, async t => {
    const { url, file } = await serve(t)
    await writeFile(file, Buffer.alloc(SIZE + 1))
    t.same(await curlUpload(file, [url('/stored')], '--insecure'), [{ status: 413, sent: 0, connects: 1 }])
  })
}
