import { uploadAll } from '@plimsoll/contract'
import t, { type Test } from 'tap'
import { inBoth } from './fixtures/express-versions.ts'
import { type ParsingApp, parsingApp } from './fixtures/parsing-app.ts'

// Gigabytes, within seconds on an idle machine.
t.setTimeout(300_000)

/** That uploaders to the first so many parsers read their refusal each time. */
async function allRead(
  t: Test,
  { port, parsers }: ParsingApp,
  framing: 'length' | 'chunked',
  { status, times, routes }: { status: number; times: number; routes: number },
): Promise<void> {
  const chosen = parsers.slice(0, routes)
  const seen = await uploadAll({ port, routes: chosen, framing, times })
  for (const { name, path } of chosen) t.strictSame(seen[path], Array(times).fill(status), name)
}

inBoth('an uploader that declares too much reads its 413, 20 times of 20', async (t, express) => {
  const app = await parsingApp(t, express, { budget: '1MiB' })
  // Whatever parses: it is refused before.
  await allRead(t, app, 'length', { status: 413, times: 20, routes: 1 })
})

inBoth('an uploader that sends too much reads its 413, 20 times of 20', async (t, express) => {
  const app = await parsingApp(t, express, { budget: '1MiB' })
  await allRead(t, app, 'chunked', { status: 413, times: 20, routes: app.parsers.length })
})

inBoth('an uploader that finds no room reads its 503, 8 times of 8', async (t, express) => {
  const app = await parsingApp(t, express, { budget: '64MiB', queue: { limit: 0 } })
  const taken = app.governor.budget.tryAcquire('64MiB')
  for (const framing of ['length', 'chunked'] as const) {
    await allRead(t, app, framing, { status: 503, times: 8, routes: 1 })
  }
  taken?.release()
})
