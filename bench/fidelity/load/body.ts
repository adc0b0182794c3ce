const BOUNDARY = 'plimsoll-part'
const MOST = 8 * 2 ** 20
const bytes = Buffer.alloc(MOST, 'x')
const row = `{"id":1234567,"name":"a row of an order","amounts":[1,22,333],"paid":true},`
/** As many rows as a body can have: what is sent is cut from it. */
const rows = Buffer.from(row.repeat(Math.ceil((2 ** 20 + 1) / row.length)))

/** Bodies of about so many bytes, cut from what is there once. */
export function bodyOf(kind: 'buffer' | 'json' | 'parts', length: number): { type: string; body: Buffer } {
  switch (kind) {
    case 'buffer':
      return { type: 'application/octet-stream', body: bytes.subarray(0, length) }
    case 'json': {
      const whole = Math.max(1, Math.floor(length / row.length)) * row.length
      // All but the last comma.
      const list = rows.subarray(0, whole - 1)
      return { type: 'application/json', body: Buffer.concat([Buffer.from('['), list, Buffer.from(']')]) }
    }
    case 'parts': {
      const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\nContent-Type: application/octet-stream\r\n\r\n`
      const part = bytes.subarray(0, length >> 1)
      const between = Buffer.from(`\r\n${head}`)
      const end = Buffer.from(`\r\n--${BOUNDARY}--\r\n`)
      return {
        type: `multipart/form-data; boundary=${BOUNDARY}`,
        body: Buffer.concat([Buffer.from(head), part, between, part, end]),
      }
    }
  }
}
