import { lz4 } from '../../codec/lz4/lz4.js'
import { SIZE_BYTES } from '../../codec/lz4/lz4-kernel.js'

/** What LevelDB compresses together, before compression. */
const BLOCK_BYTES = 4096
/** LevelDB keeps a block as it is if compression does not save an eighth. */
const BLOCK_SHARE = 7 / 8
/** Of every entry in a block: three lengths, at least. */
const ENTRY_LENGTHS_BYTES = 3
/** Behind every key in LevelDB: a sequence number, and what was done. */
const KEY_TRAILER_BYTES = 8
/** One of this many keys is written whole, and the others without what they share with the one before. */
const RESTART_INTERVAL = 16

/** How many bytes a backend needs for entries that are added in the order of their keys. */
interface StoredSizeEstimate {
  add(key: Buffer, stored: Uint8Array): void
  bytes(): number
}

/** A backend that stores what it is given. */
export function asGiven(): StoredSizeEstimate {
  let bytes = 0
  return {
    add: (key, stored) => void (bytes += key.length + stored.length),
    bytes: () => bytes
  }
}

/**
 * LevelDB: entries go into blocks, which Snappy compresses. LZ4 stands in for it, and finds about the same (a few percent more in text).
 */
export function inLevelDbBlocks(): StoredSizeEstimate {
  const block = Buffer.allocUnsafe(64 * 1024)
  const snappy = lz4()
  let previous: Buffer = Buffer.alloc(0)
  let entries = 0
  let length = 0
  let bytes = 0
  const finish = (): void => {
    const data = block.subarray(0, length)
    const compressed = snappy.compressSync!(data).length - SIZE_BYTES
    bytes += compressed < length * BLOCK_SHARE ? compressed : length
    length = 0
    entries = 0
  }
  return {
    add(key, stored) {
      const shared = entries % RESTART_INTERVAL === 0 ? 0 : sharedPrefix(previous, key)
      const needed = ENTRY_LENGTHS_BYTES + key.length - shared + KEY_TRAILER_BYTES + stored.length
      if (length + needed > block.length) {
        if (length > 0) finish()
        if (needed > block.length) {
          bytes += needed
          return
        }
      }
      length = block.writeUIntLE(
        (shared & 0xff) | ((key.length & 0xff) << 8) | ((stored.length & 0xff) << 16),
        length,
        3
      )
      length += key.copy(block, length, shared)
      block.fill(0, length, length + KEY_TRAILER_BYTES)
      block.writeUInt16LE(entries, length + 1)
      length += KEY_TRAILER_BYTES
      block.set(stored, length)
      length += stored.length
      entries++
      previous = key
      if (length >= BLOCK_BYTES) finish()
    },
    bytes() {
      if (length > 0) finish()
      return bytes
    }
  }
}

function sharedPrefix(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length)
  let shared = 0
  while (shared < most && a[shared] === b[shared]) shared++
  return shared
}
