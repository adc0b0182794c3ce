import { readFile } from 'node:fs/promises'
import t from 'tap'
import { FAULTS } from '../src/faults.ts'

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8')

t.test('the README shows lines of the server, and all faults', async t => {
  const sources = await Promise.all(['../src/app.ts', '../src/guarded.ts'].map(read))
  const lines = sources.flatMap(source => source.split('\n')).map(line => line.trim())
  const readme = await read('../README.md')
  const quoted = [...readme.matchAll(/```ts\n(.*?)```/gs)].flatMap(([, code = '']) => code.trim().split('\n'))
  t.not(quoted.length, 0)
  for (const line of quoted) t.ok(lines.includes(line.trim()), line)
  for (const fault of FAULTS) t.match(readme, `| \`${fault}\``)
})
