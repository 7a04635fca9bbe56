import { expect, it } from 'vitest'
import { KIND } from '../../src/envelope/format.js'
import { NO_GUARD } from '../../src/envelope/guard.js'
import { endLikeGuard, recognizedEnvelope } from '../../src/envelope/recognized-envelope.js'
import { sealRaw } from '../../src/envelope/seal.js'
import { RAW_CHECKED, writeTrailer } from '../../src/envelope/trailer.js'

const GUARD = Buffer.from([1, 2, 3, 4, 5, 6, 7, 255])
const VALUE = Buffer.from('value')

it('a checksum proves an envelope, with a guard and without', () => {
  const envelope = sealRaw(VALUE, { guard: NO_GUARD, mayOmitChecksum: false })
  expect(recognizedEnvelope(envelope)).toMatchObject({ proven: true, trailer: { kind: KIND.raw } })
  expect(recognizedEnvelope(Buffer.concat([envelope, GUARD]))).toMatchObject({ proven: true })
  expect(recognizedEnvelope(envelope.subarray(1))).toBeUndefined()
})

it('a raw value without a checksum proves nothing', () => {
  const envelope = sealRaw(VALUE, { guard: NO_GUARD, mayOmitChecksum: true })
  expect(recognizedEnvelope(envelope)).toMatchObject({ proven: false })
  expect(recognizedEnvelope(Buffer.concat([envelope, GUARD]))).toMatchObject({ proven: false })
  expect(recognizedEnvelope(VALUE)).toBeUndefined()
})

it('an intact envelope of a later version is refused', () => {
  const envelope = Buffer.alloc(5)
  writeTrailer(envelope, 0, { ...RAW_CHECKED, kind: 4 }, 0)
  expect(() => recognizedEnvelope(envelope)).toThrow(expect.objectContaining({ code: 'LEVEL_NOT_SUPPORTED' }))
})

it('a guard is 8 bytes behind something, and ends with ff', () => {
  expect(endLikeGuard(Buffer.concat([Buffer.of(0), GUARD]))).toEqual(GUARD)
  expect(endLikeGuard(GUARD)).toBeUndefined()
  expect(endLikeGuard(Buffer.of(255))).toBeUndefined()
  expect(endLikeGuard(Buffer.concat([GUARD, GUARD.subarray(0, 7)]))).toBeUndefined()
})
