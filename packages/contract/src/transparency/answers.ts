/** One answer of a server, as far as it came. */
export interface Answer {
  readonly status: number
  /** The status line and the header lines, in their order; the time of day is taken out. */
  readonly head: readonly string[]
  /** Freed of its chunks. Of an answer that was cut: what came. */
  readonly body: string
  /** Whether all of it came. A head alone may be one: a HEAD's says the length of what it leaves out. */
  readonly whole: boolean
  /** Whether only the end of the connection tells that it is over: then it always looks whole. */
  readonly endless: boolean
}

// No body that the routes send or reflect has such a line in it.
const STATUS_LINE = /(?=HTTP\/1\.[01] \d{3} )/

/**
 * The answers in what a connection has brought, each character a byte. Whether an answer has a body depends on its
 * request, which a server may have understood otherwise: so an answer goes up to the next status line.
 */
export function answersIn(received: string): Answer[] {
  return received === '' ? [] : received.split(STATUS_LINE).map(answerOf)
}

function answerOf(text: string): Answer {
  const end = text.indexOf('\r\n\r\n')
  const head = (end === -1 ? text : text.slice(0, end)).split('\r\n')
  const rest = end === -1 ? '' : text.slice(end + 4)
  const length = head.find(line => /^content-length: /i.test(line))?.split(' ')[1]
  const chunked = head.some(line => /^transfer-encoding: chunked$/i.test(line))
  return {
    status: Number(head[0]?.split(' ')[1]),
    head: head.map(line => line.replace(/^(date: ).*/i, '$1…')),
    endless: !chunked && length === undefined && rest !== '',
    ...(chunked && rest !== ''
      ? unchunked(rest)
      : { body: rest, whole: end !== -1 && (rest === '' || rest.length >= Number(length ?? 0)) }),
  }
}

function unchunked(text: string): { body: string; whole: boolean } {
  let body = ''
  let rest = text
  for (;;) {
    const [line = ''] = rest.split('\r\n', 1)
    const size = Number.parseInt(line, 16)
    const start = line.length + 2
    // Trailers stand behind the last chunk.
    if (size === 0) return { body: body + rest.slice(start).trimEnd(), whole: rest.endsWith('\r\n\r\n') }
    if (Number.isNaN(size)) return { body: `${body}${rest}`, whole: false }
    body += rest.slice(start, start + size)
    rest = rest.slice(start + size + 2)
  }
}
