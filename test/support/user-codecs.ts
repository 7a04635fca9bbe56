import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { onTestFinished } from 'vitest'
import { type Codec, registerCodec } from '../../src/index.js'

const HELD_ID = 200
const DEFLATE_ID = 201

/** A codec of a user's own, with synchronous forms. */
export const deflate: Codec = {
  id: DEFLATE_ID,
  name: 'deflate',
  compress: async data => deflateRawSync(data),
  decompress: async data => inflateRawSync(data),
  compressSync: data => deflateRawSync(data),
  decompressSync: data => inflateRawSync(data)
}
registerCodec(deflate)

interface HeldCall {
  release(): void
  fail(error: unknown): void
}

/** A codec without synchronous forms whose calls of compress() wait for the test. It reads its input when released. */
export class HeldCodec implements Codec {
  readonly id = HELD_ID
  readonly name = 'held'
  /** Calls under way. The process lets only a few of them run at once. */
  readonly held: HeldCall[] = []
  #isOpen = false

  /** Registers itself, and lets everything go when the test is over. */
  constructor() {
    registerCodec(this)
    onTestFinished(() => this.open())
  }

  compress(data: Uint8Array): Promise<Uint8Array> {
    if (this.#isOpen) return Promise.resolve(deflateRawSync(data))
    return new Promise((resolve, reject) => {
      this.held.push({ release: () => resolve(deflateRawSync(data)), fail: reject })
    })
  }

  async decompress(data: Uint8Array): Promise<Uint8Array> {
    return inflateRawSync(data)
  }

  /** Releases what is held, and holds nothing from now on. */
  open(): void {
    this.#isOpen = true
    for (const call of this.held.splice(0)) call.release()
  }
}
