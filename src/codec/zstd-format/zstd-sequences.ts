/** What Zstandard writes of a value: sequences of literals and a match, and the literals at its end. */
export interface Sequences {
  readonly count: number
  readonly literalLengths: Uint16Array
  readonly matchLengths: Uint16Array
  /** Offset + 3, or 1 to 3 for one of those used last (RFC 8878, 3.1.1.5). */
  readonly offsetValues: Uint32Array
  readonly literalBytes: number
  readonly literals: Uint8Array
}
