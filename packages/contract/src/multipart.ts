const BOUNDARY = 'a-boundary-of-a-test'

/** The media type of what `multipart` makes. */
export const MULTIPART = `multipart/form-data; boundary=${BOUNDARY}`

/** What ends the parts of a form. */
export const CLOSE_DELIMITER = `\r\n--${BOUNDARY}--\r\n`

/** A form with a field and a file, as browsers send it; `end` stands behind the file. */
export function multipart(payload: string, end = CLOSE_DELIMITER): string {
  return [
    `--${BOUNDARY}`,
    'Content-Disposition: form-data; name="title"',
    '',
    'a title',
    `--${BOUNDARY}`,
    'Content-Disposition: form-data; name="file"; filename="payload.bin"',
    'Content-Type: application/octet-stream',
    '',
    payload + end,
  ].join('\r\n')
}
