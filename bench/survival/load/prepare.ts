import { Content } from '../../flood/load/content.ts'
import { upload } from '../../flood/load/exchange.ts'
import { objectStoreRoutes } from '../../flood/servers.ts'
import type { Row } from '../rows.ts'
import { gzipOf, jsonOf } from './bodies.ts'
import { alone } from './peer.ts'
import { send } from './send.ts'

const SMALL_BYTES = 4_096
/** As many small uploads as a server has had that has served for a while: what learns has learned of them. */
const SMALL_UPLOADS = 32

/** A server that has served before, with the object that is downloaded. */
export async function prepare(port: number, { sends, attackers }: Row): Promise<void> {
  for (let times = 0; times < SMALL_UPLOADS; times++)
    await alone(port, peer => send(peer, 'upload', 0, SMALL_BYTES))
  for (const { kind, bytes } of sends) {
    // Made before the load begins: it takes a while.
    if (kind === 'json') jsonOf(bytes)
    if (kind === 'gzip') gzipOf(bytes)
    if (kind !== 'download') await alone(port, peer => send(peer, kind, 0, SMALL_BYTES))
  }
  const read = [...sends.filter(({ kind }) => kind === 'download'), ...(attackers ? [attackers] : [])]
  if (attackers?.kind === 'sender' || read.length === 0) return
  const bytes = Math.max(...read.map(({ bytes }) => bytes))
  await alone(port, peer => upload(peer, objectStoreRoutes.upload, 'stored-0', new Content(0, bytes)))
  await alone(port, peer => send(peer, 'download', 0, bytes))
}
