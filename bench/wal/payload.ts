import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LogRecord, Record } from 'compressed-kv'
import { cut, jsonSource, type Source } from '../documents/pieces.js'
import { randomBytes } from '../documents/seeded.js'
import { bitsPerByte } from '../harness/entropy.js'

/** Bytes that records are cut from: real documents or noise, never zeros. */
export interface Payload extends Source {
  /** Order-0 entropy, in bits per byte. */
  readonly bits: number
}

/** More than a block, so that the codec does not see repeats, and more than the processor's nearer caches. */
const RANDOM_BYTES = 8 * 1024 * 1024

export function jsonPayload(corpus: string | undefined): Payload {
  return withBits(jsonSource(corpus))
}

/** Documents that compress better than movies.jsonl, if there is a corpus that has them. */
export function earthquakes(corpus: string | undefined): Payload | undefined {
  const path = corpus === undefined ? undefined : join(corpus, 'earthquakes.jsonl')
  return path !== undefined && existsSync(path)
    ? withBits({ name: 'earthquakes.jsonl', bytes: readFileSync(path) })
    : undefined
}

let random: Payload | undefined

export function randomPayload(): Payload {
  return (random ??= withBits({ name: 'random bytes', bytes: randomBytes(RANDOM_BYTES, 7) }))
}

export function payloadText({ name, bits }: Payload): string {
  return `${name}, ${bits.toFixed(2)} bits/byte`
}

/** The length of every record's key. */
const KEY_BYTES = 8

/** Records whose values are pieces of exactly `valueBytes`. Make them before anything is measured: a log copies what it is given. */
export function recordsOf(payload: Payload, valueBytes: number): LogRecord[] {
  return cut(payload, valueBytes).map((value, i) => Record.put(String(i).padStart(KEY_BYTES, '0'), value))
}

function withBits(source: Source): Payload {
  return { ...source, bits: bitsPerByte([source.bytes]) }
}
