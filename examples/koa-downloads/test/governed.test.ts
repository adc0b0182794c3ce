import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { DOWNLOAD_BYTES } from '../src/app.ts'
import { serve, until } from './serve.ts'
import { stalledDownload } from './stalled-download.ts'

const LARGE = 256 * 2 ** 20

t.test('a download holds what it costs until it is over, whatever its size', async t => {
  await serve(t, {}, async ({ url, dir, answers, governor }) => {
    await writeFile(join(dir, 'large'), '')
    await truncate(join(dir, 'large'), LARGE)
    const download = await stalledDownload(`${url}/files/large`)
    t.equal(governor.budget.reserved, DOWNLOAD_BYTES)
    let bytes = 0
    let heldThroughout = true
    for await (const chunk of download) {
      bytes += chunk.length
      // What the client reads last is in the kernel's hands by then.
      if (!answers[0]?.writableFinished) heldThroughout &&= governor.budget.reserved === DOWNLOAD_BYTES
    }
    t.ok(heldThroughout)
    t.equal(bytes, LARGE)
    await until(() => governor.budget.reserved === 0)
  })
})

t.test(
  'a download that waits costs the upstream nothing, and goes on when another is broken off',
  async t => {
    await serve(t, { budget: DOWNLOAD_BYTES }, async ({ url, dir, upstreamAnswers, governor }) => {
      await writeFile(join(dir, 'large'), '')
      await truncate(join(dir, 'large'), LARGE)
      await writeFile(join(dir, 'small'), 'small')
      const stalled = await stalledDownload(`${url}/files/large`)
      const waiting = fetch(`${url}/files/small`)
      await until(() => governor.budget.waiting === 1)
      t.equal(upstreamAnswers.length, 1)
      t.equal((await fetch(`${url}/health`)).status, 200, 'health passes')
      t.equal((await fetch(`${url}/files/small`, { method: 'HEAD' })).status, 200, 'HEAD passes')
      t.equal(governor.budget.waiting, 1)
      stalled.destroy()
      t.equal(await (await waiting).text(), 'small')
    })
  },
)

t.test('a bad gateway gives back what it held', async t => {
  t.capture(console, 'error', () => {})
  await serve(t, {}, async ({ url, upstream, governor }) => {
    upstream.close()
    t.equal((await fetch(`${url}/files/a`)).status, 502)
    await until(() => governor.budget.reserved === 0)
    t.equal(governor.stats().admitted, 1)
  })
})
