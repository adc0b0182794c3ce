import t from 'tap'
import { readXml } from '../../src/s3/read-xml.ts'

const DELETE = { root: 'Delete', item: 'Object', limit: 10, fields: ['Key', 'Quiet'] }

const read = (text: string) => readXml(Buffer.from(text), DELETE)

t.test('text comes as it was written by whichever client', async t => {
  const document = read(`<?xml version="1.0" encoding="UTF-8"?>
    <Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
      <Quiet>true</Quiet>
      <Object><Key> 007 </Key><VersionId>x</VersionId></Object>
      <Object><Key>&#34;a&quot;&amp;&lt;&#x22;ü🚢</Key></Object>
      <Object><Key><![CDATA[1e3]]></Key></Object>
      <Object><Deeper><Key>not this</Key></Deeper></Object>
    </Delete>`)
  t.same(document, {
    items: [{ Key: ' 007 ' }, { Key: '"a"&<"ü🚢' }, { Key: '1e3' }, {}],
    beside: { Quiet: 'true' },
  })
})

t.test('what is not the document that was expected is refused', async t => {
  const bomb = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">]><Delete><Object><Key>&a;</Key></Object></Delete>'
  const tooMany = `<Delete>${'<Object/>'.repeat(11)}</Delete>`
  for (const text of [
    '',
    'text',
    '<Delete>',
    '<Delete></Object>',
    '<Other/>',
    '<Delete/><Delete/>',
    bomb,
    tooMany,
  ]) {
    t.throws(() => read(text), { code: 'MalformedXML', statusCode: 400 }, text.slice(0, 20))
  }
  t.throws(() => readXml(undefined, DELETE), { code: 'MalformedXML' })
})

t.test('nothing is kept of what was not asked for, however much it is', async t => {
  const { items, beside } = read(
    `<Delete>${'<a b="c"/>'.repeat(50_000)}${'<a>'.repeat(5000)}${'</a>'.repeat(5000)}</Delete>`,
  )
  t.same([items, beside], [[], {}])
})
