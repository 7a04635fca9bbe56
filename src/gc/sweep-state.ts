/**
 * Where an interrupted sweep goes on, as the store's marker keeps it. Little-endian.
 *
 *     offset  size
 *          0     1   version, 1
 *          1     1   1 if a plain value was left, else 0
 *          2     1   length of the policy's id, n
 *          3     n   the policy's id, UTF-8
 *      3 + n     …   the last key that was swept
 */
interface SweepState {
  /** At most 255 bytes. */
  readonly policyId: string
  readonly lastKey: Buffer
  /** A plain value, from before the database was wrapped, was left as it was, because somebody wrote to its key. */
  readonly plainLeft: boolean
}

const VERSION = 1
const ID_AT = 3
const MAX_ID_BYTES = 255
/** What fits in the marker. A longer key is not remembered, and the next sweep begins at the first key. */
const MAX_STATE_BYTES = 60_000

/** @returns empty where it cannot be kept */
export function encodeSweepState({ policyId, lastKey, plainLeft }: SweepState): Buffer {
  const id = Buffer.from(policyId)
  if (id.length > MAX_ID_BYTES || ID_AT + id.length + lastKey.length > MAX_STATE_BYTES) return Buffer.alloc(0)
  return Buffer.concat([Buffer.of(VERSION, plainLeft ? 1 : 0, id.length), id, lastKey])
}

/** @returns undefined if it is empty or of another version: then the sweep begins at the first key, which is never wrong */
export function decodeSweepState(state: Buffer): SweepState | undefined {
  if (state.length < ID_AT || state[0] !== VERSION) return undefined
  const keyAt = ID_AT + state[2]!
  if (keyAt > state.length) return undefined
  return {
    policyId: state.toString('utf8', ID_AT, keyAt),
    lastKey: Buffer.from(state.subarray(keyAt)),
    plainLeft: state[1] !== 0
  }
}
