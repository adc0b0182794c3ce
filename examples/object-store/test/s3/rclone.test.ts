import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import { Flood } from './flood.ts'
import { haveRclone, rclone } from './rclone.ts'
import { serveS3 } from './serve-s3.ts'
import { watchRequests } from './watch-requests.ts'

// Bounded by the flood, which ends by itself, and by what apt-get may take.
t.setTimeout(300_000)

t.test('rclone copies 100 MiB there and back under a flood', async t => {
  if (!(await haveRclone(t))) return
  const watched = watchRequests(t)
  await serveS3(t, async ({ url }) => {
    const body = randomBytes(100 * 1024 * 1024)
    const folder = t.testdirName
    await writeFile(`${folder}/there`, body)
    const flood = new Flood(url)
    t.teardown(() => flood.stop())

    const byParts = ['--s3-upload-cutoff', '8Mi', '--s3-chunk-size', '8Mi', '--s3-upload-concurrency', '8']
    await rclone(url, 'copyto', `${folder}/there`, 's3:rclone-bucket/a folder/big', ...byParts)
    // Several ranges at a time.
    await rclone(
      url,
      'copyto',
      's3:rclone-bucket/a folder/big',
      `${folder}/back`,
      '--multi-thread-cutoff',
      '8Mi',
    )
    t.ok(body.equals(await readFile(`${folder}/back`)))
    t.ok(flood.high, 'the flood was there from the beginning to the end')

    const ours = watched.queued.filter(url => url.startsWith('/rclone-bucket/'))
    t.ok(
      ours.some(url => url.includes('partNumber=')),
      'parts have waited',
    )
    const { stored, others } = await flood.stop()
    t.same(others, [], 'of the flood all are stored, too')
    t.comment(`flood: ${stored} uploads; waited: ${watched.queued.length}`)
  })
})

t.test('rclone lists, finds equal, gives other times, moves and deletes', async t => {
  if (!(await haveRclone(t))) return
  await serveS3(t, async ({ url }) => {
    const folder = `${t.testdirName}/tree`
    const { mkdir, utimes } = await import('node:fs/promises')
    await mkdir(`${folder}/a/b`, { recursive: true })
    await writeFile(`${folder}/a/x y+ü&.txt`, 'some text')
    await writeFile(`${folder}/a/b/empty`, '')
    await rclone(url, 'copy', folder, 's3:bucket/tree')
    await rclone(url, 'check', folder, 's3:bucket/tree')
    t.same((await rclone(url, 'lsf', '-R', 's3:bucket')).trim().split('\n').sort(), [
      'tree/',
      'tree/a/',
      'tree/a/b/',
      'tree/a/b/empty',
      'tree/a/x y+ü&.txt',
    ])
    await utimes(`${folder}/a/x y+ü&.txt`, 1, 1)
    await rclone(url, 'copy', folder, 's3:bucket/tree')
    t.match(await rclone(url, 'lsl', 's3:bucket/tree/a', '--max-depth', '1'), /1970-01-01/)
    await rclone(url, 'moveto', 's3:bucket/tree/a/x y+ü&.txt', 's3:bucket/moved')
    t.equal(await rclone(url, 'cat', 's3:bucket/moved', '--offset', '5', '--count', '3'), 'tex')
    await rclone(url, 'purge', 's3:bucket')
    t.equal(await rclone(url, 'lsd', 's3:'), '')
  })
})
