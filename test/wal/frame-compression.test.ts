import { describe, expect, test } from 'vitest'
import { type Codec, CODEC_ID } from '../../src/codec/codec.js'
import type { StoredPayload } from '../../src/wal/format/frame-payload.js'
import { FrameCompression } from '../../src/wal/writing/frame-compression.js'
import { turns } from '../support/turns.js'

const BLOCK = Buffer.alloc(64 * 1024, 'block')

/** A codec whose calls on other threads end when the test says so. */
function slowCodec(id: number) {
  const elsewhere: ((compressed: Uint8Array) => void)[] = []
  let here = 0
  const codec: Codec = {
    id,
    name: 'slow',
    compress: () => new Promise(done => elsewhere.push(done)),
    compressSync: () => {
      here++
      return new Uint8Array([1])
    },
    decompress: () => Promise.reject(new Error('not called'))
  }
  return { codec, elsewhere, here: () => here }
}

function storeAll(
  compression: FrameCompression,
  frames: readonly Buffer[]
): { results: (StoredPayload | undefined)[] } {
  const results: (StoredPayload | undefined)[] = frames.map(() => undefined)
  for (const [i, raw] of frames.entries()) {
    const stored = compression.store(raw, true)
    if (stored instanceof Promise) void stored.then(payload => (results[i] = payload))
    else results[i] = stored
  }
  return { results }
}

/** Lets the calls on other threads end, and those that begin then. */
async function finish(elsewhere: ((compressed: Uint8Array) => void)[]): Promise<void> {
  for (let i = 0; i < 5; i++) {
    for (const done of elsewhere.splice(0)) done(new Uint8Array([2]))
    await turns()
  }
}

const compressed = ({ results }: { results: (StoredPayload | undefined)[] }) =>
  results.map(stored => (stored === undefined ? '-' : stored.codecId === CODEC_ID.none ? 'raw' : stored.bytes[0]))

describe('compressing frames', () => {
  test('goes on three threads, and the calling one takes what would wait, the oldest first, one in a turn', async () => {
    const { codec, elsewhere, here } = slowCodec(CODEC_ID.lz4)
    const stored = storeAll(new FrameCompression(codec, false), Array<Buffer>(6).fill(BLOCK))
    await Promise.resolve()
    expect(elsewhere).toHaveLength(3)
    expect(here()).toBe(0)
    await turns(1)
    expect(compressed(stored)).toEqual(['-', '-', '-', 1, '-', '-'])
    await turns(1)
    expect(compressed(stored)).toEqual(['-', '-', '-', 1, 1, '-'])
    await turns(1)
    expect(compressed(stored)).toEqual(['-', '-', '-', 1, 1, 1])
    await finish(elsewhere)
    expect(compressed(stored)).toEqual([2, 2, 2, 1, 1, 1])
    expect(here()).toBe(3)
  })

  test('gives a thread that is done the frame that waits longest', async () => {
    const { codec, elsewhere, here } = slowCodec(CODEC_ID.lz4)
    const stored = storeAll(new FrameCompression(codec, false), Array<Buffer>(4).fill(BLOCK))
    await Promise.resolve()
    elsewhere[1]!(new Uint8Array([2]))
    await new Promise<void>(done => process.nextTick(() => process.nextTick(done)))
    expect(elsewhere).toHaveLength(4)
    expect(here()).toBe(0)
    await finish(elsewhere)
    expect(compressed(stored)).toEqual([2, 2, 2, 2])
  })

  test.each([
    ['another codec', CODEC_ID.zstd, BLOCK],
    ['a large frame', CODEC_ID.lz4, Buffer.alloc(300_000)]
  ])('never takes the calling thread for %s', async (_, id, raw) => {
    const { codec, elsewhere, here } = slowCodec(id)
    const stored = storeAll(new FrameCompression(codec, false), Array<Buffer>(5).fill(raw))
    await turns()
    await finish(elsewhere)
    expect(here()).toBe(0)
    expect(compressed(stored)).toEqual([2, 2, 2, 2, 2])
  })

  test('that fails on the calling thread stores the frame as it is', async () => {
    const { codec, elsewhere } = slowCodec(CODEC_ID.lz4)
    const failing: Codec = {
      ...codec,
      compressSync: () => {
        throw new Error('broken')
      }
    }
    const stored = storeAll(new FrameCompression(failing, false), Array<Buffer>(4).fill(BLOCK))
    await turns()
    expect(compressed(stored)).toEqual(['-', '-', '-', 'raw'])
    await finish(elsewhere)
    expect(compressed(stored)).toEqual([2, 2, 2, 'raw'])
  })

  test('yields: what is not full, and what comes while two are at it, goes as it is', async () => {
    const { codec, elsewhere } = slowCodec(CODEC_ID.lz4)
    const compression = new FrameCompression(codec, true)
    expect(compression.store(BLOCK, false)).toMatchObject({ codecId: CODEC_ID.none })
    const stored = storeAll(compression, [BLOCK, BLOCK, BLOCK])
    await turns()
    expect(compressed(stored)).toEqual(['-', '-', 'raw'])
    await finish(elsewhere)
    expect(compressed(stored)).toEqual([2, 2, 'raw'])
    expect(await new FrameCompression(codec, false).store(BLOCK.subarray(0, 100), false)).toMatchObject({
      codecId: CODEC_ID.lz4
    })
  })
})
