import { describe, expect, it } from 'vitest'
import { lz4 } from '../../src/codec/lz4/lz4.js'
import { zstd } from '../../src/codec/zstd/zstd.js'
import { NO_GUARD } from '../../src/envelope/guard.js'
import { codecInput, openEnvelope } from '../../src/envelope/open.js'
import { sealWithDictionary } from '../../src/envelope/seal.js'
import { everyBitFlipped } from '../support/sample-values.js'
import { documents } from '../support/small-documents.js'
import { thrownCode } from '../support/thrown-code.js'
import { GUARDED, SWEPT, UNLIMITED } from './sealed-cases.js'

const DOCUMENTS = documents(20)
const DICTIONARY = Buffer.concat(DOCUMENTS.slice(0, 18))
const LONG = DOCUMENTS[19]!
const VALUES = [LONG.subarray(0, 150), LONG, Buffer.concat([LONG, DOCUMENTS[3]!])]

const STORES = [
  { store: 'begun empty', sealedWith: NO_GUARD, openedWith: NO_GUARD },
  { store: 'guarded', sealedWith: GUARDED, openedWith: GUARDED },
  { store: 'guarded and swept', sealedWith: GUARDED, openedWith: SWEPT }
]
const EXTRAS = [{}, { expiresAt: 1_700_000_000_123 }, { probe: { codecId: 2, effort: 9 } }]
const CASES = STORES.flatMap(store => [lz4(), zstd()].map(codec => ({ ...store, codec, name: codec.name })))

describe.each(CASES)('$name with a dictionary, in a store $store:', ({ codec, sealedWith, openedWith }) => {
  const coder = codec.withDictionary!(DICTIONARY)

  it.each(EXTRAS)('what is sealed is opened (%o)', extras => {
    for (const [i, value] of VALUES.entries()) {
      const sealing = { guard: sealedWith, mayOmitChecksum: true, ...extras }
      const sealed = sealWithDictionary(codec.id, coder.compressSync(value)!, value.length, 65_535 - i, sealing)
      const opened = openEnvelope(sealed, openedWith, UNLIMITED)
      const expected = { codecId: codec.id, dictionary: 65_535 - i, rawLength: value.length, prefixLeftOut: false }
      expect(opened).toMatchObject({ ...expected, ...extras })
      expect(coder.decompressSync(codecInput(opened), value.length)).toEqual(value)
      expect(thrownCode(() => openEnvelope(sealed, openedWith, value.length - 1))).toBe('CKV_VALUE_TOO_LARGE')
    }
  })

  it('every flipped bit is seen', () => {
    for (const value of VALUES) {
      const sealing = { guard: sealedWith, mayOmitChecksum: true }
      const sealed = sealWithDictionary(codec.id, coder.compressSync(value)!, value.length, 1, sealing)
      for (const { bit, flipped } of everyBitFlipped(sealed)) {
        const code = thrownCode(() => openEnvelope(flipped, openedWith, UNLIMITED))
        expect(code, `bit ${bit}`).toBe('LEVEL_CORRUPTION')
      }
    }
  })
})
