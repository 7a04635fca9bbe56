import { describe, expect, it } from 'vitest'
import { decodeSweepState, encodeSweepState } from '../../src/gc/sweep-state.js'

const STATE = { policyId: 'zstd 3', lastKey: Buffer.from([1, 2, 0xff]), plainLeft: true }

describe('where a sweep was interrupted', () => {
  it.each([
    STATE,
    { ...STATE, plainLeft: false },
    { ...STATE, policyId: 'ö'.repeat(127) },
    { ...STATE, lastKey: Buffer.alloc(0) },
    { ...STATE, lastKey: Buffer.alloc(59_000, 7) }
  ])('is decoded as it was encoded (%#)', state => {
    expect(decodeSweepState(encodeSweepState(state))).toEqual(state)
  })

  it.each([
    ['the name of the policy is longer than 255 bytes', { ...STATE, policyId: 'ö'.repeat(128) }],
    ['the last key does not fit in the marker', { ...STATE, lastKey: Buffer.alloc(60_001) }]
  ])('is not kept if %s', (_, state) => {
    expect(encodeSweepState(state).length).toBe(0)
  })

  it('is undefined if nothing was kept, or if it is of another version, or cut off', () => {
    const bytes = encodeSweepState(STATE)
    const other = Buffer.from(bytes)
    other[0] = 2
    expect(decodeSweepState(other)).toBeUndefined()
    for (let length = 0; length < 3 + STATE.policyId.length; length++) {
      expect(decodeSweepState(bytes.subarray(0, length))).toBeUndefined()
    }
  })
})
