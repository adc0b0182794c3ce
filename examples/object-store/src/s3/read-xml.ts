import sax from 'sax'
import { S3Error } from './s3-error.ts'

export interface Expected {
  /** Name of the document's root. */
  readonly root: string
  /** Name of the elements below it that make a list. */
  readonly item: string
  /** The most of them; each takes memory, however short it is written. */
  readonly limit: number
  /** Names of the elements of text that are read, of an item or beside the items. */
  readonly fields: readonly string[]
}

type Texts = Record<string, string>

/**
 * Reads a document that is a list, and keeps nothing of it that was not asked for: parsed into objects, a
 * hostile one takes 30 times its size.
 *
 * @throws {S3Error} `MalformedXML`
 */
export function readXml(
  body: Buffer | undefined,
  { root, item, limit, fields }: Expected,
): { items: Texts[]; beside: Texts } {
  const items: Texts[] = []
  const beside: Texts = {}
  let target = beside
  let begun = false
  let depth = 0
  let text = ''
  const parser = sax.parser(true)
  parser.onerror = cause => {
    throw malformed('The XML is not well-formed', { cause })
  }
  parser.onopentag = ({ name }) => {
    if (depth === 0 && (begun || name !== root)) throw malformed('The XML is not what was expected')
    begun = true
    if (depth === 1 && name === item) {
      if (items.length === limit) throw malformed(`The list is longer than ${limit}`)
      target = {}
      items.push(target)
    }
    depth++
    text = ''
  }
  parser.ontext = parser.oncdata = piece => {
    text += piece
  }
  parser.onclosetag = name => {
    depth--
    // Of an item, or of the root.
    if (fields.includes(name) && depth === (target === beside ? 1 : 2)) target[name] = text
    if (depth === 1) target = beside
    text = ''
  }
  parser.write(body?.toString() ?? '').close()
  if (!begun) throw malformed('There is no XML')
  return { items, beside }
}

function malformed(message: string, options?: ErrorOptions): S3Error {
  return new S3Error('MalformedXML', message, options)
}
