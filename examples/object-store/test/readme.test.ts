import { readFile } from 'node:fs/promises'
import t from 'tap'

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8')

/** Where those who read the README find its lines: the server, and what is said to it. */
const SOURCES = ['../src/app.ts', './s3/aws-sdk.test.ts']

t.test('the TypeScript of the README is that of the server and of a client that is tested', async t => {
  const sources = await Promise.all(SOURCES.map(read))
  const lines = sources.flatMap(source => source.split('\n')).map(line => line.trim())
  const snippets = (await read('../README.md')).matchAll(/```ts\n(.*?)```/gs)
  const quoted = [...snippets].flatMap(([, code = '']) => code.trim().split('\n'))
  t.not(quoted.length, 0)
  for (const line of quoted) t.ok(lines.includes(line.trim()), line)
})
