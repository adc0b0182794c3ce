import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { manifests } from './manifests.ts'

/** `npm run manifests [-- folder]` */
const [folder = fileURLToPath(new URL('../kubernetes', import.meta.url))] = process.argv.slice(2)
for (const [name, text] of Object.entries(manifests())) writeFileSync(join(folder, name), text)
