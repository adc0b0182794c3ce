import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'

/** A client that has got the head of the answer and then reads nothing until it is asked to. */
export async function stalledDownload(url: string, key: string): Promise<IncomingMessage> {
  const [response] = await once(get(`${url}/objects/${key}`, { agent: false }), 'response')
  return response.pause()
}

/** @throws where the connection is cut before Content-Length is reached */
export async function readRest(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return Buffer.concat(chunks)
}
