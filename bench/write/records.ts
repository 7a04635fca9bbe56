import { cut, jsonSource, type Source } from '../documents/pieces.js'
import { bitsPerByte } from '../harness/entropy.js'
import { KIB } from '../wal/sizes.js'

export const IN_FLIGHT = 1000

/** Values to write, which are repeated when all are used. */
export interface Values {
  readonly source: Source
  readonly bits: number
  at(index: number): Buffer
}

export function valuesOf(corpus: string | undefined, bytes = KIB): Values {
  const source = jsonSource(corpus)
  const pieces = cut(source, bytes)
  return { source, bits: bitsPerByte([source.bytes]), at: index => pieces[index % pieces.length]! }
}

export function valuesText({ source, bits }: Values): string {
  return `pieces of ${source.name}, ${bits.toFixed(2)} bits per byte (order 0)`
}
