import type { SpanContext } from '@opentelemetry/api'
import type { FinishedSpan } from './finished-span.ts'

// Measured on V8 of Node 20, 22 and 24: what a thousand such spans add to the heap, each.
/** The span with its identifiers, times and empty lists, and its place in the queue. */
const SPAN = 960
/** An attribute without its value, as long as V8 keeps them by a shape, and where it has gone over to a table. */
const ATTRIBUTE = 10
const ATTRIBUTE_OF_MANY = 54
const MANY = 17
const EVENT = 190
const LINK = 160
const ITS_ATTRIBUTES = 60
/** A list that is not empty: it begins with room for 17. */
const LIST = 150
const STATE = 250
const STATE_ENTRY = 55
const ARRAY = 48
const STRING = 16
const NUMBER = 16
/** A list of bytes, beside these. */
const BYTES = 100
/** Most short strings are constants, or shared with other spans. */
const SHORT = 40

/** Beyond Latin-1, where V8 takes two bytes for each character. In a string of one-byte characters it is not looked for. */
const WIDE = /[^\0-\xff]/

/**
 * What a span takes of the heap, in bytes, by the look of it: its strings and lists are counted, not read. Within a
 * quarter of the truth on the traces of a server. What is no string where one should be, takes what it takes: the SDK lets
 * names of any type through.
 */
export function estimateSpanBytes(span: FinishedSpan): number {
  const { name, attributes, events, links, status, parentSpanContext: parent } = span
  let bytes = SPAN + valueBytes(name) + attributeBytes(attributes) + valueBytes(status.message)
  // What a local parent has is its own, and shared.
  if (parent?.isRemote === true) bytes += stateBytes(parent)
  if (events.length > 0) {
    bytes += LIST
    for (const event of events) bytes += EVENT + valueBytes(event.name) + attributeBytes(event.attributes)
  }
  if (links.length > 0) {
    bytes += LIST
    for (const link of links) {
      bytes += LINK + stateBytes(link.context)
      if (link.attributes !== undefined) bytes += ITS_ATTRIBUTES + attributeBytes(link.attributes)
    }
  }
  return bytes
}

/** Nothing where there is no saying: to end a span throws at nobody, and what can't be bounded is not kept. */
export function sizeOfSpan(span: FinishedSpan): number | undefined {
  try {
    return estimateSpanBytes(span)
  } catch {
    return undefined
  }
}

function attributeBytes(attributes: object | undefined): number {
  let bytes = 0
  let count = 0
  for (const key in attributes) {
    // Short ones are constants of somebody's program.
    if (key.length > SHORT) bytes += stringBytes(key)
    bytes += valueBytes((attributes as Readonly<Record<string, unknown>>)[key])
    count++
  }
  return bytes + count * (count < MANY ? ATTRIBUTE : ATTRIBUTE_OF_MANY)
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return stringBytes(value)
  // Small integers stand where a pointer would.
  if (typeof value === 'number') return (value | 0) === value ? 0 : NUMBER
  return typeof value === 'object' && value !== null ? objectBytes(value) : 0
}

/** The `tracestate` of a request: its sender says how many entries it has, up to 32, and a map keeps them. */
function stateBytes({ traceState }: SpanContext): number {
  const text = traceState?.serialize() ?? ''
  return text === '' ? 0 : STATE + text.length + text.split(',').length * STATE_ENTRY
}

/** Lists; and of OpenTelemetry 3 bytes, and attributes within attributes. */
function objectBytes(value: object): number {
  if (ArrayBuffer.isView(value)) return BYTES + bufferBytes(value)
  if (!Array.isArray(value)) return ITS_ATTRIBUTES + attributeBytes(value)
  let bytes = ARRAY
  for (const each of value) bytes += 8 + elementBytes(each)
  return bytes
}

/** What stands in a list is rarely shared with other spans; numbers stand in it as they are. */
function elementBytes(value: unknown): number {
  if (typeof value === 'string') return ownBytes(value)
  return typeof value === 'number' ? 0 : valueBytes(value)
}

/** A piece keeps all that it was cut out of, unless that is Node's pool for small ones. */
function bufferBytes({ byteLength, buffer }: ArrayBufferView): number {
  return buffer.byteLength > Buffer.poolSize ? buffer.byteLength : byteLength
}

function stringBytes(text: string): number {
  const { length } = text
  return length <= SHORT ? (STRING + length) >> 1 : ownBytes(text)
}

function ownBytes(text: string): number {
  const { length } = text
  return STRING + (WIDE.test(text) ? 2 * length : length)
}
