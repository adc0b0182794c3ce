const BOUNDARY = 'a-boundary-of-a-test'

/** The media type of what `multipart` makes. */
export const MULTIPART = `multipart/form-data; boundary=${BOUNDARY}`

/** A form with a field and a file, as browsers send it. */
export function multipart(payload: string): string {
  return [
    `--${BOUNDARY}`,
    'Content-Disposition: form-data; name="title"',
    '',
    'a title',
    `--${BOUNDARY}`,
    'Content-Disposition: form-data; name="file"; filename="payload.bin"',
    'Content-Type: application/octet-stream',
    '',
    payload,
    `--${BOUNDARY}--`,
    '',
  ].join('\r\n')
}
