import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'

/** Sends a form with one file as browsers do. */
export function sendFile(url: string, name: string, content: Buffer): Promise<Response> {
  return sendForm(`${url}/files`, 'file', new File([new Uint8Array(content)], name))
}

export function sendImage(url: string, content: Buffer, type = 'image/png'): Promise<Response> {
  return sendForm(`${url}/images`, 'image', new File([new Uint8Array(content)], 'an image', { type }))
}

export function sendForm(url: string, field: string, value: File | string): Promise<Response> {
  const form = new FormData()
  form.set(field, value)
  return fetch(url, { method: 'POST', body: form })
}

const BOUNDARY = 'a-boundary'

/** Sends a form of so many fields, and nothing in them. */
export async function sendManyFields(url: string, count: number): Promise<object> {
  const field = (_: unknown, n: number): string =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="f${n}"\r\n\r\n`
  const body = `${Array.from({ length: count }, field).join('\r\n')}${endOfForm}`
  const sent = request(url, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'content-length': body.length },
  })
  // Refused while it sends, its connection may break when the answer is in.
  sent.on('error', () => {}).end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  return { status: answer.statusCode, text: await text(answer) }
}

/** Begins to send a form with one file, of which some bytes are still to come: `bytes` of the file, and `endOfForm`. */
export function beginForm(
  url: string,
  field: string,
  bytes: number | undefined,
  headers: Record<string, string> = {},
): ClientRequest {
  const head = [
    `--${BOUNDARY}`,
    `Content-Disposition: form-data; name="${field}"; filename="half"`,
    'Content-Type: image/png',
    '',
    '',
  ].join('\r\n')
  const length = bytes === undefined ? {} : { 'content-length': formBytes(head, bytes) }
  const sent = request(url, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, ...length, ...headers },
  })
  if (headers.expect === undefined) sent.write(head)
  return sent
}

export const endOfForm = `\r\n--${BOUNDARY}--\r\n`

function formBytes(head: string, bytes: number): number {
  return head.length + bytes + endOfForm.length
}
