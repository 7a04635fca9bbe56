import { crc32c } from '../../src/checksum/crc32c.js'

/**
 * An envelope with a right checksum around whatever a test wants to say.
 *
 * @param afterCrc all bytes behind the checksum, the tag last
 */
export function intactEnvelope(payload: Uint8Array, afterCrc: Uint8Array | readonly number[]): Buffer {
  const behind = Uint8Array.from(afterCrc)
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32LE(crc32c(behind, crc32c(payload)))
  return Buffer.concat([payload, checksum, behind])
}
