import { readFile } from 'node:fs/promises'
import t from 'tap'

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8')

t.test('the governed lines of the README are lines of the server', async t => {
  const lines = (await read('../src/app.ts')).split('\n').map(line => line.trim())
  const snippets = (await read('../README.md')).matchAll(/```ts\n(.*?)```/gs)
  const quoted = [...snippets].flatMap(([, code = '']) => code.trim().split('\n'))
  t.not(quoted.length, 0)
  for (const line of quoted) t.ok(lines.includes(line.trim()), line)
})
