import { CODEC_ID } from '../codec/codec.js'
import { lz4 } from '../codec/lz4/lz4.js'
import { attempt } from './attempt.js'
import { type Gc, type GcDecision, KEEP, MIN_COMPRESS_SIZE, type StoredValue } from './policy.js'
import { renewal } from './renewal.js'

/**
 * Compresses with LZ4 what is raw and of {@link MIN_COMPRESS_SIZE} bytes or more, if that saves 10 %, and marks the others probed. What is
 * compressed or probed already is not touched. Small values move to the store's dictionary, if it has one.
 */
export class Lz4Gc implements Gc {
  readonly id = 'lz4'

  process(value: StoredValue): GcDecision | Promise<GcDecision> {
    if (value.offer === undefined) return this.#alone(value)
    return renewal(value, lz4(), [CODEC_ID.lz4]).then(renewed => renewed ?? this.#alone(value))
  }

  #alone(value: StoredValue): GcDecision | Promise<GcDecision> {
    const settled = value.tombstone || value.compressed || value.probe !== undefined
    return settled || value.rawLength < MIN_COMPRESS_SIZE ? KEEP : attempt(value, lz4())
  }
}
