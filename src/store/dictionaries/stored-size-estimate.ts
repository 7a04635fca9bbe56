import { SIZE_BYTES } from '../../codec/lz4/lz4-kernel.js'
import { lz4 } from '../../codec/lz4/lz4.js'

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
export class LevelDbBlocks implements StoredSizeEstimate {
  readonly #block = Buffer.allocUnsafe(64 * 1024)
  readonly #snappy = lz4()
  /** Bytes of the block that is being filled. */
  #length = 0
  /** Entries in it. */
  #entries = 0
  #previousKey: Buffer = Buffer.alloc(0)
  /** Of the blocks before. */
  #bytes = 0

  add(key: Buffer, stored: Uint8Array): void {
    const shared = this.#entries % RESTART_INTERVAL === 0 ? 0 : sharedPrefix(this.#previousKey, key)
    const needed = ENTRY_LENGTHS_BYTES + key.length - shared + KEY_TRAILER_BYTES + stored.length
    if (this.#length + needed > this.#block.length) this.#endBlock()
    if (needed > this.#block.length) this.#bytes += needed
    else this.#write(key, shared, stored)
  }

  bytes(): number {
    this.#endBlock()
    return this.#bytes
  }

  #write(key: Buffer, shared: number, stored: Uint8Array): void {
    const block = this.#block
    const lengths = (shared & 0xff) | ((key.length & 0xff) << 8) | ((stored.length & 0xff) << 16)
    let at = block.writeUIntLE(lengths, this.#length, ENTRY_LENGTHS_BYTES)
    at += key.copy(block, at, shared)
    block.fill(0, at, at + KEY_TRAILER_BYTES)
    block.writeUInt16LE(this.#entries, at + 1)
    at += KEY_TRAILER_BYTES
    block.set(stored, at)
    this.#length = at + stored.length
    this.#entries++
    this.#previousKey = key
    if (this.#length >= BLOCK_BYTES) this.#endBlock()
  }

  #endBlock(): void {
    if (this.#length === 0) return
    const compressed = this.#snappy.compressSync!(this.#block.subarray(0, this.#length)).length - SIZE_BYTES
    this.#bytes += compressed < this.#length * BLOCK_SHARE ? compressed : this.#length
    this.#length = 0
    this.#entries = 0
  }
}

function sharedPrefix(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length)
  let shared = 0
  while (shared < most && a[shared] === b[shared]) shared++
  return shared
}
