import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'

/** A client that has got the head of the answer and reads no further. */
export async function stalledDownload(url: string): Promise<IncomingMessage> {
  const [response] = await once(get(url, { agent: false }), 'response')
  return response.pause()
}
