import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { GovernorReport } from '@plimsoll/core'
import { type Cage, openCage } from '../cage/cage.ts'
import { LoadGenerator } from '../flood/load-generator.ts'
import type { Scenario } from '../flood/scenarios.ts'
import { ServerProcess } from '../flood/server-process.ts'
import { type Framework, serverFor } from '../flood/servers.ts'
import { storageRoot } from '../flood/storage-root.ts'
import { onTheWayOut } from '../on-the-way-out.ts'

const MiB = 2 ** 20

/** A busy day that the server lives through: what the floods ask for, a few at a time. */
const day: Scenario = {
  name: 'day',
  title: { name: 'A busy day', load: 'two uploads of 16 MiB and two downloads of 32 MiB at once' },
  uploads: { requests: 400, concurrency: 2, bytes: 16 * MiB, objects: 16 },
  downloads: { requests: 400, concurrency: 2, bytes: 32 * MiB, objects: 4 },
}

/** What a governor reports that has only observed. */
export async function observe(framework: Framework, limitBytes: number): Promise<GovernorReport> {
  const directory = mkdtempSync(join(storageRoot(), 'plimsoll-advice-'))
  const removeDirectory = onTheWayOut(() => rmSync(directory, { recursive: true, force: true }))
  const cage = openCage(limitBytes)
  const removeCage = onTheWayOut(() => cage.remove())
  try {
    return await reportAfterTheDay(framework, directory, cage)
  } finally {
    removeCage()
    removeDirectory()
  }
}

async function reportAfterTheDay(
  framework: Framework,
  directory: string,
  cage: Cage,
): Promise<GovernorReport> {
  const { module, args, routes } = serverFor(day, framework, { by: 'nobody' })
  const server = await ServerProcess.start(
    module,
    [...args({ storage: 'disk', directory, upstreamPort: 0 }), '--untuned', '--observe'],
    cage,
  )
  const load = new LoadGenerator()
  const closeLoad = onTheWayOut(() => load.close())
  try {
    await load.warm({ port: server.port, storePort: server.port, routes, scenario: day })
    await load.store()
    const { uploads, downloads } = await load.flood()
    const answered = uploads.answered + downloads.answered
    if (answered < 800) throw new Error(`only ${answered} of 800 were answered while nobody acted`)
    const response = await fetch(`http://127.0.0.1:${server.port}/report`)
    return (await response.json()) as GovernorReport
  } finally {
    closeLoad()
    await server.stop()
  }
}
