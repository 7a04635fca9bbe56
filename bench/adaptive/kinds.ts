import { gzipSync } from 'node:zlib'
import type { TensorDtype } from 'compressed-kv'
import { corpusSets } from '../documents/corpus.js'
import { binaryFiles, type PackageFile, readDocument, spread, textFiles } from '../documents/node-modules.js'
import { cut, type Source } from '../documents/pieces.js'
import { randomBytes } from '../documents/seeded.js'
import { seededTensors } from '../tensor/tensors.js'

const KIB = 1024

/** The most bytes, and values, of a kind: enough for a figure, since each contender goes through a kind several times. */
const MAX_BYTES = 1024 * KIB
const MAX_VALUES = 400

/** What is expected of data: it decides which bar a choice has to reach. */
export type Expectation = 'zstd pays' | 'incompressible' | 'small'

/** Values that are alike. */
export interface Kind {
  readonly name: string
  readonly values: readonly Buffer[]
  readonly expectation: Expectation
  /** The type of tensors: of these adaptive() is measured without and with being told it. */
  readonly dtype?: TensorDtype
}

/** Files of node_modules, and of a corpus its lines, several in each value, and its tensors. */
export function kindsOfData(corpus?: string): Kind[] {
  const kinds = [...textKinds(), ...(corpus === undefined ? [] : corpusKinds(corpus)), ...otherKinds()]
  return kinds.filter(({ values }) => values.length > 0)
}

function textKinds(): Kind[] {
  return ['json', 'text', 'code'].flatMap((kind): Kind[] => [
    { name: `${kind} files, 1 to 2 KiB`, values: textOf(kind, KIB, 2 * KIB), expectation: 'small' },
    { name: `${kind} files, 2 to 16 KiB`, values: textOf(kind, 2 * KIB, 16 * KIB), expectation: 'zstd pays' },
    { name: `${kind} files, larger`, values: textOf(kind, 16 * KIB, Infinity), expectation: 'zstd pays' }
  ])
}

/** Files of one kind, from `from` to below `below` bytes. */
function textOf(kind: string, from: number, below: number): Buffer[] {
  return valuesOf(textFiles().filter(file => file.kind === kind && file.bytes >= from && file.bytes < below))
}

function corpusKinds(corpus: string): Kind[] {
  return corpusSets(corpus).flatMap(({ name, kind, documents }): Kind[] => {
    const values = documents.map(({ value }) => value)
    if (kind === 'tensor') return tensorKind(name, name.split(' ').at(-1) as TensorDtype, values)
    const source = { name, bytes: Buffer.concat(values.flatMap(value => [value, Buffer.from('\n')])) }
    return [
      { name: `${name}, 1.5 KiB`, values: pieces(source, 1.5 * KIB), expectation: 'small' },
      { name: `${name}, 8 KiB`, values: pieces(source, 8 * KIB), expectation: 'zstd pays' }
    ]
  })
}

function otherKinds(): Kind[] {
  const noise = randomBytes(MAX_BYTES, 1)
  const code = Buffer.concat(valuesOf(textFiles().filter(({ kind }) => kind === 'code')))
  const programs = Buffer.concat(valuesOf(binaryFiles().filter(({ kind }) => kind === 'program')))
  const incompressible = (name: string, bytes: Buffer, size: number): Kind => ({
    name: `${name}, ${size / KIB} KiB`,
    values: pieces({ name, bytes }, size),
    expectation: 'incompressible'
  })
  return [
    { name: 'programs, 32 KiB', values: pieces({ name: '', bytes: programs }, 32 * KIB), expectation: 'zstd pays' },
    {
      name: 'base64 of random bytes, 8 KiB',
      values: pieces({ name: '', bytes: Buffer.from(noise.toString('base64')) }, 8 * KIB),
      expectation: 'zstd pays'
    },
    {
      name: 'images and fonts',
      values: valuesOf(binaryFiles().filter(({ kind, bytes }) => kind === 'image' && bytes >= KIB)),
      expectation: 'incompressible'
    },
    incompressible('gzip', gzipSync(Buffer.concat([code, programs])), 32 * KIB),
    incompressible('random bytes', noise, 2 * KIB),
    incompressible('random bytes', noise, 32 * KIB),
    ...seededTensors()
      .filter(({ name }) => name.endsWith('head 64'))
      .flatMap(({ name, dtype, bytes }) => tensorKind(name, dtype, [bytes]))
  ]
}

/** Zstandard saves a fifth of bf16; of other types it saves less than the tenth that a store asks for. */
function tensorKind(name: string, dtype: TensorDtype, values: readonly Buffer[]): Kind[] {
  return [{ name, values, dtype, expectation: dtype === 'bf16' ? 'zstd pays' : 'incompressible' }]
}

function valuesOf(files: readonly PackageFile[]): Buffer[] {
  return spread(files, MAX_VALUES, MAX_BYTES).map(file => readDocument(file).value)
}

function pieces(source: Source, size: number): Buffer[] {
  return source.bytes.length < size ? [] : cut(source, size, MAX_VALUES, MAX_BYTES)
}
