/**
 * The envelope, format version 1: how the backend stores a value. docs/format.md is its full description.
 *
 * It ends with a trailer, which is read from its end. So the payload starts at offset 0, aligned for typed arrays, and needs no copy.
 *
 *     +---------+----------+----------+--------------+-------------+---------+---------+---------+-----+
 *     | payload | [crc32c] | [rawLen] | [dictionary] | [expiresAt] | [probe] | [codec] | [extra] | tag |
 *     +---------+----------+----------+--------------+-------------+---------+---------+---------+-----+
 *                 u32        u8|16|32   u16            u48 ms        u8 u8     u8        u8        u8
 *
 * Little-endian. Only what reader and writer share is here. A number once assigned is never reused.
 */

/** Bits 0-2 of the tag. 4, 5 and 6 are not assigned yet. */
export const KIND = {
  /** Raw bytes with no checksum: the tag is all of the trailer. */
  rawUnchecked: 0,
  lz4: 1,
  zstd: 2,
  raw: 3,
  /** The codec byte says which. */
  other: 7
} as const

export const KIND_MASK = 0b111

/** The width of rawLen in bytes, by the number in bits 3-4 of the tag. */
export const RAW_LENGTH_WIDTHS = [0, 1, 2, 4] as const
export const WIDTH_SHIFT = 3
export const WIDTH_MASK = 0b11

export const TAG_DICTIONARY = 1 << 5
export const TAG_EXPIRES = 1 << 6
export const TAG_EXTRA = 1 << 7

/** The bit of the extra byte for a probe. The others are reserved, bit 1 for filters: a value with one of them set is refused. */
export const EXTRA_PROBED = 0x01

export const TAG_BYTES = 1
export const CRC_BYTES = 4
export const DICTIONARY_BYTES = 2
export const EXPIRES_BYTES = 6
export const PROBE_BYTES = 2
export const CODEC_BYTES = 1
export const EXTRA_BYTES = 1

/** The largest expiresAt a u48 holds, in ms since 1970: the year 10889. */
export const MAX_EXPIRES_AT = 2 ** 48 - 1

/**
 * Kind 0 is only for payloads shorter than this, and only over a backend that stores checksums of its own blocks. For lines of a log of 107 bytes each,
 * checksums would add 8.5 % to their size in LevelDB after its own compression; from 512 bytes on they add less than 3 %.
 */
export const UNCHECKED_BELOW = 512

/**
 * LZ4 with a rawLen of width 0 keeps the u32 size that lz4-napi puts in front of its output: then the payload is decompressed without a copy. Such
 * payloads must have at least this size, so that one flipped bit cannot turn the tag into that of an unchecked raw value.
 */
export const LZ4_WHOLE_FROM = UNCHECKED_BELOW

/** Length of LZ4's size prefix and of Zstandard's magic number, which are left out if the trailer implies them. */
export const PREFIX_BYTES = 4

/**
 * The guard: in a backend that had plain values before it was wrapped, every envelope is followed by 7 random bytes, the same for the whole store, and
 * 0xff, which is never a tag.
 */
export const GUARD_BYTES = 8
export const GUARD_LAST = 0xff
/** Bytes that differ from the guard in at most this many bits count as a damaged guard, and not as the end of a plain value. */
export const GUARD_DAMAGE_BITS = 2
