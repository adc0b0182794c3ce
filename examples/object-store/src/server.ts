import type { AddressInfo } from 'node:net'
import { buildApp } from './app.ts'
import { DiskStorage } from './disk-storage.ts'
import { masterKeyOf } from './master-key.ts'
import { MemoryStorage } from './memory-storage.ts'
import { diskS3Storage, memoryS3Storage } from './s3/s3-storage.ts'
import { resolveServerOptions } from './server-options.ts'

const { port, host, storage, dir, ...appOptions } = resolveServerOptions(process.argv.slice(2), process.env)
const { OBJECT_STORE_KEY: key, LOG_LEVEL: level = 'warn' } = process.env

const app = await buildApp({
  ...appOptions,
  storage: storage === 'disk' ? await DiskStorage.in(dir) : new MemoryStorage(),
  s3Storage: storage === 'disk' ? await diskS3Storage(dir) : memoryS3Storage(),
  masterKey: masterKeyOf(process.env),
  // Stdout belongs to the one line that tells where we listen.
  logger: { level, stream: process.stderr },
})
if (key === undefined)
  app.log.warn('OBJECT_STORE_KEY is not set: objects will not be readable after a restart')

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => app.close())

await app.listen({ port, host })
// With port 0 the system has chosen one.
console.log(JSON.stringify({ listening: (app.server.address() as AddressInfo).port }))
