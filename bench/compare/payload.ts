import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cut, jsonSource, type Source } from '../documents/pieces.js'
import { shuffled } from '../documents/seeded.js'
import { bitsPerByte } from '../harness/entropy.js'
import type { Contender, Value } from './contenders/contender.js'

/** The file of the bytes that values are cut from. Child processes read it, since to read node_modules again in each would take longer. */
export interface PayloadFile {
  readonly name: string
  readonly path: string
}

export async function writePayload(directory: string, corpus: string | undefined): Promise<PayloadFile & Source> {
  const source = jsonSource(corpus)
  const path = join(directory, 'payload')
  await writeFile(path, source.bytes)
  return { ...source, path }
}

/** Values of one size, as the contender takes them: bytes, or text with one character for every byte. */
export function valuesOf({ name, path }: PayloadFile, valueBytes: number, { valuesAs }: Contender): readonly Value[] {
  const pieces = cut({ name, bytes: readFileSync(path) }, valueBytes)
  return valuesAs === 'bytes' ? pieces : pieces.map(piece => piece.toString('latin1'))
}

export function entropyOf(source: Source, valueBytes: number): number {
  return bitsPerByte(cut(source, valueBytes))
}

/** Keys in a random order that is the same on every run. */
export function shuffledKeys(count: number, seed: number): string[] {
  return shuffled(count, seed).map(index => `record:${String(index).padStart(9, '0')}`)
}
