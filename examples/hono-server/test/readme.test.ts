import { readFile } from 'node:fs/promises'
import t from 'tap'

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8')

t.test('the lines of the README are lines of the app', async t => {
  const sources = await Promise.all(['../src/app.ts', '../src/server.ts'].map(read))
  const lines = sources.flatMap(source => source.split('\n')).map(line => line.trim())
  const snippets = (await read('../README.md')).matchAll(/```ts\n(.*?)```/gs)
  const quoted = [...snippets].flatMap(([, code = '']) => code.trim().split('\n'))
  t.not(quoted.length, 0)
  for (const line of quoted) t.ok(lines.includes(line), line)
})

t.test('the page on adapters shows this adapter, which has no more than fifty lines', async t => {
  const adapter = (await read('../src/plimsoll.ts')).trim()
  t.ok((await read('../../../docs/adapters.md')).includes(`\n\`\`\`ts\n${adapter}\n\`\`\`\n`))
  const { length } = adapter.split('\n')
  t.ok(length <= 50, `${length}`)
})
