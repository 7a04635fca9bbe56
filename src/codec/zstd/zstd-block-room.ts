import { corruption } from '../../errors.js'
import { DICTIONARY_VALUE_LIMIT } from '../codec.js'
import { BYTES_BEFORE } from '../zstd-format/backward-stream.js'
import { COPY_SLACK_BYTES } from './zstd-window.js'

/*
 * Where compressed values are taken apart, one at a time: the block, and behind it its literals where those were compressed too. It is always the
 * same memory, with room around both, so that words can be read and written wherever bytes can.
 */

/** Where a block begins. */
export const BLOCK_AT = BYTES_BEFORE
/** Where literals are restored to. */
export const LITERALS_AT = BLOCK_AT + DICTIONARY_VALUE_LIMIT + COPY_SLACK_BYTES

export const roomBytes = new Uint8Array(LITERALS_AT + DICTIONARY_VALUE_LIMIT + COPY_SLACK_BYTES)
export const roomView = new DataView(roomBytes.buffer)

/**
 * Puts a block there.
 *
 * @returns where it ends
 * @throws LEVEL_CORRUPTION if it is as long as no value is
 */
export function enterBlock(block: Uint8Array): number {
  if (block.length > DICTIONARY_VALUE_LIMIT) throw corruption('a block that is longer than any small value')
  roomBytes.set(block, BLOCK_AT)
  return BLOCK_AT + block.length
}
