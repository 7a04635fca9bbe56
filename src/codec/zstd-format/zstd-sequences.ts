/** A value as Zstandard writes it: sequences of literals and a match, and the literals at its end. */
export interface Sequences {
  readonly count: number
  readonly literalLengths: Uint16Array
  readonly matchLengths: Uint16Array
  /** Offset + 3, or 1 to 3 for one of the last three used (RFC 8878, 3.1.1.5). */
  readonly offsetValues: Uint32Array
  readonly literalBytes: number
  readonly literals: Uint8Array
}
