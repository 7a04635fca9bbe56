import { corruption } from '../../errors.js'

/*
 * Bit streams that are read from their end (RFC 8878, 4.1), in memory that is known to go on before and behind them: a position is a number of
 * bits from its beginning, and what lies below the position is not read yet. Who reads further than the stream goes comes upon other bytes;
 * that a stream was right is known only when the position is its beginning in the end.
 */

/** So many bytes before a stream are there to be read by mistake. */
export const BYTES_BEFORE = 16
/** Bits that are there, at least, when four bytes are read from the one that a position is in. */
export const BITS_AT_ONCE = 25

/**
 * Where reading begins: at the highest bit that is set in the last byte.
 *
 * @param to behind the last byte
 * @throws LEVEL_CORRUPTION if there is no such bit
 */
export function streamEnd(bytes: Uint8Array, from: number, to: number): number {
  const last = bytes[to - 1]!
  if (to <= from || last === 0) throw corruption('a bit stream without an end')
  return to * 8 - 1 - (Math.clz32(last) - 24)
}
