import { readFileSync } from 'node:fs'
import t from 'tap'
import { type BodyKind, defaultCost, kindOf } from '../src/body-kind.ts'

const kinds: Readonly<Record<BodyKind, readonly string[]>> = {
  json: ['application/json', 'application/vnd.api+json', 'application/problem+json', 'application/ld+json'],
  text: ['text/plain', 'text/html', 'text/csv'],
  form: ['application/x-www-form-urlencoded'],
  multipart: ['multipart/form-data', 'multipart/mixed'],
  buffer: ['application/octet-stream', 'image/png', 'application/jsonp', 'application/json-seq', 'json', ''],
}

for (const [kind, types] of Object.entries(kinds)) {
  for (const type of types) {
    t.test(`'${type}' is ${kind}, whatever its case, its parameters and the blanks around it`, async t => {
      const written = [
        type,
        type.toUpperCase(),
        `${type};charset=utf-8`,
        `${type} ; boundary="a;b"`,
        ` ${type}\t`,
      ]
      for (const contentType of written) t.equal(kindOf({ 'content-type': contentType }), kind, contentType)
    })
  }
}

t.test('a body of no stated type is a buffer', async t => {
  t.equal(kindOf({}), 'buffer')
})

t.test('a parameter does not make a kind', async t => {
  t.equal(kindOf({ 'content-type': 'image/png; was=application/json' }), 'buffer')
  t.equal(kindOf({ 'content-type': 'image/png;x=+json' }), 'buffer')
})

t.test('a type of any length is looked at once', async t => {
  t.equal(kindOf({ 'content-type': `${' '.repeat(100_000)}x` }), 'buffer')
  t.equal(kindOf({ 'content-type': `${'a+json'.repeat(20_000)}` }), 'json')
})

t.test('every kind costs more than the body, and something where there is none', async t => {
  for (const kind of Object.keys(kinds)) {
    const { fixed, perByte } = defaultCost(kind as BodyKind)
    t.ok(perByte >= 1 && fixed > 0, kind)
  }
})

const DOCS = [
  'docs/tuning.md',
  'README.md',
  ...['core', 'express', 'fastify', 'koa'].map(name => `packages/${name}/README.md`),
]

/** What each kind costs for a byte, as a table has it or a sentence. */
const TOLD: Readonly<Record<BodyKind, RegExp>> = {
  buffer: /^\| buffer: .*?\| ([\d.]+) +\||for each byte declared ([\d.]+),/m,
  multipart: /^\| multipart, kept in memory +\| ([\d.]+) +\||for each byte declared ([\d.]+),/m,
  text: /^\| text +\| ([\d.]+) +\||of text ([\d.]+)[,;]/m,
  json: /^\| JSON +\| ([\d.]+) +\||of JSON ([\d.]+)[,;]/m,
  form: /^\| form +\| ([\d.]+) +\||of a form ([\d.]+)[,;]/m,
}

for (const file of DOCS) {
  t.test(`${file} tells what each kind costs`, async t => {
    const text = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8').replace(
      /\n(?! *[-|\n])/g,
      ' ',
    )
    t.match(text, /64 KiB, and for each byte/)
    for (const [kind, pattern] of Object.entries(TOLD)) {
      const { fixed, perByte } = defaultCost(kind as BodyKind)
      const [, inTable, inSentence] = pattern.exec(text) ?? []
      t.same([fixed, Number(inTable ?? inSentence)], [64 * 1024, perByte], kind)
    }
  })
}
