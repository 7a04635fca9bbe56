import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { type Codec, CompressedKvStore, registerCodec } from '../../src/index.js'
import type { Wrappable } from '../../src/store/backend/any-level.js'
import { noise, text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { deflate } from '../support/user-codecs.js'

const backends: Record<string, () => Wrappable<string, Buffer>> = {
  'memory-level': () => new MemoryLevel({ valueEncoding: 'buffer' }),
  'classic-level': () => new Level(temporaryDirectory(), { valueEncoding: 'buffer' })
}
/** Returns what begins at an odd address. */
const unaligned: Codec = {
  ...deflate,
  id: 242,
  name: 'unaligned',
  decompress: async data => behindByte(await deflate.decompress(data, 0)),
  decompressSync: data => behindByte(deflate.decompressSync!(data, 0))
}
registerCodec(unaligned)

function behindByte(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.alloc(1), bytes]).subarray(1)
}

const codecs: (Codec | 'none' | 'lz4' | 'zstd')[] = ['none', 'lz4', 'zstd', deflate, unaligned]

/** Odd lengths, so that a careless slice would not start at a multiple of 8 by chance. */
const lengths = [1, 7, 13, 100, 511, 513, 1023, 1025, 4097, 70_001]

describe.each(Object.entries(backends))('over %s', (_, backend) => {
  it.each(codecs)('typed arrays can be laid over everything handed out, with codec %j', async codec => {
    const store = new CompressedKvStore(backend(), { codec, cacheBytes: 1 << 20, minSize: 0 })
    const entries: [string, Buffer][] = []
    for (const [i, length] of lengths.entries()) {
      entries.push([`t${i}`, text(length)], [`n${i}`, noise(length)])
      // A byte in front moves the value inside its memory.
      await store.put(`t${i}`, Buffer.concat([noise(1), text(length)]).subarray(1))
      await store.put(`n${i}`, Buffer.concat([noise(1), noise(length)]).subarray(1))
    }
    const keys = entries.map(([key]) => key)
    const handedOut: Buffer[] = []
    for (const [key, value] of entries) {
      const got = (await store.get(key))!
      expect(got.equals(value)).toBe(true)
      handedOut.push(got, (await store.get(key))!, store.getSync(key)!)
    }
    handedOut.push(...((await store.getMany(keys)) as Buffer[]))
    handedOut.push(...(await store.values().all()))
    for await (const [, value] of store.iterator()) handedOut.push(value)
    expect(handedOut.length).toBe(6 * entries.length)
    for (const value of handedOut) {
      expect(value.byteOffset % 8).toBe(0)
      expect(() => new Float64Array(value.buffer, value.byteOffset, Math.floor(value.length / 8))).not.toThrow()
    }
    await store.close()
  })
})
