import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const TMPFS_MAGIC = 0x01021994

/**
 * Where a server "on disk" may write. Many distributions keep /tmp in memory, where each object
 * would be charged to the cage and could not be given back; /var/tmp is on a disk by the FHS.
 */
export function storageRoot(): string {
  const inMemory = process.platform === 'linux' && statfsSync(tmpdir()).type === TMPFS_MAGIC
  return inMemory ? '/var/tmp' : tmpdir()
}
