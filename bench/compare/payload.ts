import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cut, jsonSource, type Source } from '../documents/pieces.js'
import { shuffled } from '../documents/seeded.js'
import { bitsPerByte } from '../harness/entropy.js'
import type { Contender, Value } from './contenders/contender.js'

/** Where the child processes find the bytes that values are cut from: reading node_modules again in each would take longer. */
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

/** Values of one size, as the contender takes them; one character of text for every byte. */
export function valuesOf({ name, path }: PayloadFile, valueBytes: number, { valuesAs }: Contender): readonly Value[] {
  const pieces = cut({ name, bytes: readFileSync(path) }, valueBytes)
  return valuesAs === 'bytes' ? pieces : pieces.map(piece => piece.toString('latin1'))
}

export function entropyOf(source: Source, valueBytes: number): number {
  return bitsPerByte(cut(source, valueBytes))
}

/** Keys in the same random order on every run. */
export function shuffledKeys(count: number, seed: number): string[] {
  return shuffled(count, seed).map(index => `record:${String(index).padStart(9, '0')}`)
}
