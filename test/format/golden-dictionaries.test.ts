import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { init } from '@bokuweb/zstd-wasm'
import { beforeAll, describe, expect, test } from 'vitest'
import { codecForReading } from '../../src/codec/registry.js'
import { openEnvelope } from '../../src/envelope/open.js'
import { Dictionary } from '../../src/store/dictionaries/dictionaries.js'
import { decodeDictionary, dictionaryKey, encodeDictionary } from '../../src/store/dictionaries/dictionary-record.js'
import { everyBitFlipped } from '../support/sample-values.js'
import { thrownCode } from '../support/thrown-code.js'
import { keyOfDictionary, readDictionary, readValue } from './second-dictionary-reader.js'

// Written once by version 1, and never edited or made again.
const FILE = 'fixtures/dictionaries-v1.json'
const SHA256 = '90e3e8d8266cb2e2da74f36442df86bc76cb374d0fee4fac769a4ca8e5ff46d9'

interface Fixture {
  /** hex */
  readonly storeId: string
  /** `key` is hex, `stored` base64 */
  readonly dictionaries: readonly { id: number; given: boolean; key: string; stored: string }[]
  readonly values: readonly {
    readonly name: string
    /** base64 */
    readonly stored: string
    /** hex */
    readonly guard: string | null
    readonly plainValues: boolean
    readonly expected: {
      readonly kind: 'envelope'
      readonly codec: number
      readonly dictionary: number
      /** base64 */
      readonly value: string
      readonly expiresAt: number | null
      readonly probe: { readonly codecId: number; readonly effort: number } | null
    }
  }[]
}

function textOf(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
}

const { dictionaries, values, ...fixture } = JSON.parse(textOf(FILE)) as Fixture
const storeId = Buffer.from(fixture.storeId, 'hex')

beforeAll(() => init())

test('nobody edited the fixtures', () => {
  expect(createHash('sha256').update(textOf(FILE)).digest('hex')).toBe(SHA256)
})

describe.each(dictionaries)('dictionary $id, stored by version 1,', ({ id, given, key, stored }) => {
  const bytes = Buffer.from(stored, 'base64')

  test('is read, and written the same', () => {
    const record = decodeDictionary(bytes, id, storeId)
    expect(record).toMatchObject({ id, given })
    expect(encodeDictionary(record, storeId)).toEqual(bytes)
    expect(dictionaryKey(id).toString('hex')).toBe(key)
  })

  test('is read the same by a reader written from docs/format.md alone', () => {
    expect(keyOfDictionary(id).toString('hex')).toBe(key)
    const { bytes: expected } = decodeDictionary(bytes, id, storeId)
    const found = readDictionary(bytes, Buffer.from(key, 'hex'), storeId)
    expect(found).toEqual({ id, given, dictionary: expected })
  })

  test('is refused with any bit flipped', () => {
    for (const { bit, flipped } of everyBitFlipped(bytes)) {
      const code = thrownCode(() => decodeDictionary(flipped, id, storeId))
      expect(code, `bit ${bit}`).toBe('LEVEL_CORRUPTION')
    }
  })
})

const dictionaryOf = (id: number) => {
  const { stored } = dictionaries.find(dictionary => dictionary.id === id)!
  return decodeDictionary(Buffer.from(stored, 'base64'), id, storeId)
}

describe.each(values)('a value stored by version 1 ($name)', ({ stored, guard, plainValues, expected }) => {
  const bytes = Buffer.from(stored, 'base64')
  const guardBytes = guard === null ? undefined : Buffer.from(guard, 'hex')

  test('is read', () => {
    const opened = openEnvelope(bytes, { bytes: guardBytes, plainValues }, 2 ** 32)
    const coder = new Dictionary(dictionaryOf(opened.dictionary!)).coderFor(codecForReading(opened.codecId))!
    expect({
      kind: 'envelope',
      codec: opened.codecId,
      dictionary: opened.dictionary,
      value: Buffer.from(coder.decompressSync(opened.payload, opened.rawLength)).toString('base64'),
      expiresAt: opened.expiresAt ?? null,
      probe: opened.probe ?? null
    }).toEqual(expected)
  })

  test('is read by a reader written from docs/format.md alone', () => {
    const found = readValue(bytes, guardBytes ?? null, id => dictionaryOf(id).bytes)
    expect({ ...found, value: found.value.toString('base64') }).toEqual(expected)
  })
})

test('the reader has at most 150 lines', () => {
  expect(textOf('second-dictionary-reader.ts').trimEnd().split('\n').length).toBeLessThanOrEqual(150)
})
