const BOUNDARY = 'a-boundary-that-no-random-content-has'

/** What stands before and after a file in a multipart form of one file (RFC 7578). */
export function formAround(field: string, filename: string, type: string) {
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
    before: Buffer.from(
      [
        `--${BOUNDARY}`,
        `Content-Disposition: form-data; name="${field}"; filename="${filename}"`,
        `Content-Type: ${type}`,
        '',
        '',
      ].join('\r\n'),
    ),
    after: Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  }
}
