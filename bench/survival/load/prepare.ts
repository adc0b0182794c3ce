import { Content } from '../../flood/load/content.ts'
import { upload } from '../../flood/load/exchange.ts'
import { objectStoreRoutes } from '../../flood/servers.ts'
import { type RequestKind, type Row, STORED_BYTES } from '../rows.ts'
import { alone } from './peer.ts'
import { send } from './send.ts'

/** Of a kind, once, and so small that it leaves no mark. */
const SMALL_BYTES = 4_096

/** A server that has served before, with the object that is downloaded. */
export async function prepare(port: number, { sends, attackers }: Row): Promise<void> {
  const kinds = new Set<RequestKind>(['upload', ...sends.map(({ kind }) => kind)])
  const isRead = kinds.delete('download') || attackers?.kind === 'reader'
  for (const kind of kinds) await alone(port, peer => send(peer, kind, 0, SMALL_BYTES))
  if (!isRead) return
  const stored = new Content(0, STORED_BYTES)
  await alone(port, peer => upload(peer, objectStoreRoutes.upload, 'stored-0', stored))
  await alone(port, peer => send(peer, 'download', 0, STORED_BYTES))
}
