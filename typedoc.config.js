import { readdirSync, readFileSync } from 'node:fs'

const published = readdirSync('packages')
  .map(folder => ({ folder, manifest: JSON.parse(readFileSync(`packages/${folder}/package.json`, 'utf8')) }))
  // A command exports nothing.
  .filter(({ manifest }) => manifest.private !== true && manifest.bin === undefined)

/** The reference in docs/api: one page for each published package, from the docstrings of what it exports. */
export default {
  entryPoints: published.map(({ folder }) => `packages/${folder}/src/index.ts`),
  plugin: ['typedoc-plugin-markdown'],
  out: 'docs/api',
  outputFileStrategy: 'modules',
  name: 'API reference',
  readme: 'none',
  hideBreadcrumbs: true,
  hidePageHeader: true,
  disableSources: true,
  excludeInternal: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  classPropertiesFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  propertyMembersFormat: 'table',
  // tsc has checked them.
  skipErrorChecking: true,
  treatWarningsAsErrors: true,
  validation: { notDocumented: true },
  packagesRequiringDocumentation: published.map(({ manifest }) => manifest.name),
  logLevel: 'Warn',
}
