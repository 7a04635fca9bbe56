import { EventEmitter } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { BlobStore } from 'compressed-kv/blobs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { EVENTUALLY } from '../../support/eventually.js'
import { failures } from '../../support/failures.js'
import { Gate } from '../../support/gate.js'
import { failing, intercept, WRITES } from '../../support/intercept.js'
import { killed, logOn, memoryLevel, openLogged, type Store } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise, text } from '../../support/sample-values.js'
import { turns } from '../../support/turns.js'
import { blobsIn, bytesOf, CHUNK, inPieces, keyCounts, MODES, untilCounts } from './blob-stores.js'

const OLD = noise(2 * CHUNK)

/** Of a Buffer as JSON has it, the text. */
function asText(_: string, value: unknown): unknown {
  const { type, data } = (value ?? {}) as { type?: string; data?: number[] }
  return type === 'Buffer' ? Buffer.from(data!).toString('latin1') : value
}

type Operations = readonly { readonly type: string; readonly key: Buffer }[]

function putKeys(operations: Operations): Buffer[] {
  return operations.filter(({ type }) => type === 'put').map(({ key }) => key)
}

function isSecondChunk(key: Buffer): boolean {
  return key.toString('latin1').startsWith('!blobs!c') && key.at(-1) === 1
}

/** Gives so many bytes, and when the gate is opened the rest. */
async function* heldAfter(bytes: number, gate: Gate, rest = 0): AsyncGenerator<Uint8Array, void> {
  yield noise(bytes)
  await gate.wait()
  yield noise(rest)
}

/** As those of the package readable-stream: what its iterator is told before its first piece does not destroy it. */
class OtherStream extends EventEmitter {
  destroyed = false

  destroy(): void {
    this.destroyed = true
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    await new Promise(() => {}) // It has nothing to say.
    yield noise(1)
  }
}

function throwing(): never {
  throw new Error('it does not stop')
}

async function* failingSource(): AsyncGenerator<Uint8Array, void> {
  yield* inPieces(noise(5 * CHUNK), 700)
  throw new Error('the source fails')
}

describe.each(Object.entries(MODES))('a put that is given up, in a store that is %s', (_, open) => {
  let store: Store
  let blobs: BlobStore

  beforeEach(async () => {
    store = await open()
    blobs = blobsIn(store)
    await blobs.putBlob('k', OLD)
  })

  afterEach(() => store.close())

  /** The old blob is there, and nothing else. */
  async function expectOld(): Promise<void> {
    expect((await bytesOf(await blobs.getBlob('k'))).equals(OLD)).toBe(true)
    expect(await keyCounts(store)).toEqual({ m: 1, c: 2, g: 0 })
  }

  it('because its source fails, rejects with the error of the source', async () => {
    await expect(blobs.putBlob('k', failingSource())).rejects.toThrow('the source fails')
    await expectOld()
  })

  it('because its signal is aborted, rejects with the reason and stops the source', async () => {
    const controller = new AbortController()
    let stopped = false
    async function* source() {
      try {
        yield* inPieces(noise(5 * CHUNK), 700)
        controller.abort(new Error('given up'))
        for (;;) yield* inPieces(noise(100), 100)
      } finally {
        stopped = true
      }
    }
    await expect(blobs.putBlob('k', source(), { signal: controller.signal })).rejects.toThrow('given up')
    await vi.waitFor(() => expect(stopped).toBe(true), EVENTUALLY)
    await expectOld()
  })

  it('while its source gives nothing, rejects at once and destroys the source', async () => {
    const source = new PassThrough()
    const closed = finished(source).catch((error: Error) => error)
    source.write(noise(3 * CHUNK))
    const put = blobs.putBlob('k', source, { signal: AbortSignal.timeout(20) })
    await expect(put).rejects.toMatchObject({ name: 'TimeoutError' })
    await closed
    expect(source.destroyed).toBe(true)
    await expectOld()
  })

  it('while a web stream gives nothing, rejects at once and cancels the stream', async () => {
    const cancelled = new Gate()
    const source = new ReadableStream<Uint8Array>({
      start: controller => controller.enqueue(noise(3 * CHUNK)),
      cancel: () => cancelled.wait()
    })
    const put = blobs.putBlob('k', source, { signal: AbortSignal.timeout(20) })
    await expect(put).rejects.toMatchObject({ name: 'TimeoutError' })
    await cancelled.reached
    cancelled.open()
    await vi.waitFor(() => expect(source.locked).toBe(false), EVENTUALLY)
    await expectOld()
  })

  it('rejects with the reason, whatever its source answers when it is stopped', async () => {
    const returns = [() => ({ done: true, value: undefined }), throwing, async () => throwing()]
    for (const stop of returns) {
      const controller = new AbortController()
      const next = () => (controller.abort(new Error('given up')), { done: false, value: noise(10) })
      const source = { [Symbol.asyncIterator]: () => ({ next, return: stop }) } as unknown as AsyncIterable<Uint8Array>
      await expect(blobs.putBlob('k', source, { signal: controller.signal })).rejects.toThrow('given up')
    }
    await expectOld()
  })

  it('because the store is cleared meanwhile, says so and leaves nothing, whatever was written before and after', async () => {
    for (const after of [0, 3 * CHUNK]) {
      const gate = new Gate()
      const put = blobs.putBlob('k', heldAfter(2 * CHUNK, gate, after))
      await gate.reached
      await store.clear()
      gate.open()
      await expect(put).rejects.toMatchObject({
        code: 'LEVEL_CORRUPTION',
        message: expect.stringMatching(/put it again/)
      })
      expect(await blobs.getBlob('k')).toBeUndefined()
      expect(await keyCounts(store)).toEqual({ m: 0, c: 0, g: 0 })
    }
  })

  it('before it began, reads nothing of its source', async () => {
    const source = Readable.from([noise(10)])
    const put = blobs.putBlob('k', source, { signal: AbortSignal.abort(new Error('too late')) })
    await expect(put).rejects.toThrow('too late')
    expect(source.readableDidRead).toBe(false)
    expect(source.destroyed).toBe(true)
    await expectOld()
  })

  it('because of its key or its options, reads nothing of its sources and destroys them', async () => {
    const sources = Array.from({ length: 3 }, () => Readable.from([noise(10)]))
    const found = await failures([
      blobs.putBlob('\ud800', sources[0]!),
      blobs.putBlob('k', sources[1]!, { modle: 'llama' } as never),
      blobs.putBlob('k', sources[2]!, { metadata: { note: 'x'.repeat(100_000) } })
    ])
    expect(found.map(error => (error as { code?: string }).code)).toEqual([
      'LEVEL_INVALID_KEY',
      'CKV_INVALID_OPTION',
      'CKV_VALUE_TOO_LARGE'
    ])
    expect(sources.map(({ destroyed, readableDidRead }) => [destroyed, readableDidRead])).toEqual(
      sources.map(() => [true, false])
    )
    await expectOld()
  })

  it('destroys a stream of another package, which has a class of its own, and survives its error', async () => {
    const controller = new AbortController()
    const sources = Array.from({ length: 2 }, () => new OtherStream())
    const puts = [blobs.putBlob('\ud800', sources[0]!), blobs.putBlob('k', sources[1]!, { signal: controller.signal })]
    controller.abort(new Error('given up'))
    await expect(puts[0]).rejects.toMatchObject({ code: 'LEVEL_INVALID_KEY' })
    await expect(puts[1]).rejects.toThrow('given up')
    for (const source of sources) {
      expect(source.destroyed).toBe(true)
      expect(() => source.emit('error', new Error('nobody listens'))).not.toThrow()
    }
    await expectOld()
  })

  it('because its stream was read to the end by somebody else, is an invalid option', async () => {
    const source = Readable.from([noise(10)])
    await source.toArray()
    await expect(blobs.putBlob('k', source)).rejects.toMatchObject({
      code: 'CKV_INVALID_OPTION',
      message: expect.stringMatching(/read to its end/)
    })
    await expectOld()
  })

  it.each([
    ['text', 'text', /AsyncIterable/],
    ['null', null, /AsyncIterable/],
    ['a stream of text', Readable.from(['text']), /bytes, not of string/]
  ])('because it is given %s, is an invalid option', async (__, source, message) => {
    const put = blobs.putBlob('k', source as unknown as Uint8Array)
    await expect(put).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION', message: expect.stringMatching(message) })
    await expectOld()
  })
})

describe('a backend that refuses writes', () => {
  it('at any call: the blob is the old one or the new one, and nothing is left in the end', async () => {
    let calls = Infinity
    let refused = 0
    while (calls > refused) {
      refused++
      const store = await MODES['write-through']!()
      const blobs = blobsIn(store)
      await blobs.putBlob('k', OLD)
      const next = noise(4 * CHUNK, refused + 1)
      calls = 0
      const restore = intercept(store.backend, WRITES, ({ proceed }) =>
        ++calls === refused ? Promise.reject(new Error('refused')) : proceed()
      )
      const outcome = await blobs.putBlob('k', next).catch((error: Error) => error)
      const found = await bytesOf(await blobs.getBlob('k'))
      expect(found.equals(outcome instanceof Error ? OLD : next)).toBe(true)
      restore()
      await blobs.putBlob('k', OLD)
      await blobs.removeOrphans()
      expect(await keyCounts(store)).toEqual({ m: 1, c: 2, g: 0 })
      await store.close()
    }
    expect(refused).toBeGreaterThan(4)
  })

  it('and a log that brings the manifest back when it is read: its chunks are there', async () => {
    const fs = new CrashableFileSystem()
    const level = new PermanentMemoryLevel()
    const options = { memtable: false } as const
    const store = await openLogged(logOn(fs), level, options)
    const blobs = blobsIn(store)
    await blobs.putBlob('k', OLD)
    const next = noise(3 * CHUNK, 9)
    const restore = intercept(level, WRITES, ({ args, proceed }) =>
      JSON.stringify(args, asText).includes('!blobs!mk') ? Promise.reject(new Error('refused')) : proceed()
    )
    await expect(blobs.putBlob('k', next)).rejects.toMatchObject({ code: 'CKV_OUTCOME_UNKNOWN' })
    restore()
    // Another put, which looks for orphans, must not take the chunks away.
    await blobs.putBlob('other', noise(CHUNK))
    await blobs.removeOrphans()
    const stop = failing(level, WRITES, new Error('the machine stops'))
    await store.close()
    stop()
    const again = await openLogged(logOn(fs), new PermanentMemoryLevel(level.disk.clone()), options)
    const found = await bytesOf(await blobsIn(again).getBlob('k'))
    expect(found.equals(next) || found.equals(OLD)).toBe(true)
    await blobsIn(again).removeOrphans()
    expect(await keyCounts(again)).toEqual({ m: 2, c: found.length / CHUNK + 1, g: 0 })
    await again.close()
  })
})

describe('a backend that refuses a chunk', () => {
  it.each([
    ['', false],
    [', also where the blob could not be given up at once', true]
  ])('and a log that brings it back after a crash: the chunk goes as well%s', async (_, unlisted) => {
    const fs = new CrashableFileSystem()
    const level = memoryLevel()
    const store = await openLogged(logOn(fs), level)
    const blobs = blobsIn(store)
    await blobs.putBlob('k', OLD)
    const restore = intercept(level, ['_put', '_batch'], ({ method, args, proceed }) => {
      const keys = method === '_put' ? [args[0] as Buffer] : putKeys(args[0] as Operations)
      return keys.some(isSecondChunk) ? Promise.reject(new Error('refused')) : proceed()
    })
    const list = unlisted ? intercept(level, ['_iterator'], throwing) : () => {}
    await expect(blobs.putBlob('k', noise(3 * CHUNK, 9))).rejects.toMatchObject({ code: 'CKV_OUTCOME_UNKNOWN' })
    restore()
    list()
    await blobs.removeOrphans()
    expect(await keyCounts(store)).toEqual({ m: 1, c: 2, g: 0 })
    const again = await openLogged(logOn(killed(fs)))
    await blobsIn(again).removeOrphans()
    expect(await keyCounts(again)).toEqual({ m: 1, c: 2, g: 0 })
    await again.close()
    await store.close()
  })
})

describe('a blob that could not be published', () => {
  let store: Store
  let blobs: BlobStore

  beforeEach(async () => {
    store = await MODES['write-through']!()
    blobs = blobsIn(store)
    await blobs.putBlob('k', OLD)
  })

  afterEach(() => store.close())

  /** Makes the store's backend fail the batch that publishes or deletes a blob, before or after it was written. */
  function failPublishing(when: 'before' | 'after'): () => void {
    return intercept(store.backend, WRITES, async ({ args, proceed }) => {
      const isPublishing = JSON.stringify(args, asText).includes('!blobs!m')
      if (when === 'after' || !isPublishing) await proceed()
      if (isPublishing) throw new Error('disk')
    })
  }

  it('because the one before could not be read, leaves nothing', async () => {
    const restore = failing(store.backend, ['_get', '_getMany'], new Error('disk'))
    await expect(blobs.putBlob('k', noise(3 * CHUNK))).rejects.toThrow('disk')
    restore()
    expect(await keyCounts(store)).toEqual({ m: 1, c: 2, g: 0 })
    expect((await bytesOf(await blobs.getBlob('k'))).equals(OLD)).toBe(true)
  })

  it('because the store refused, leaves nothing', async () => {
    const refused = Object.assign(new Error('no room'), { code: 'CKV_BUSY' })
    const restore = intercept(store.backend, WRITES, ({ args, proceed }) =>
      JSON.stringify(args, asText).includes('!blobs!m') ? Promise.reject(refused) : proceed()
    )
    await expect(blobs.putBlob('k', noise(3 * CHUNK))).rejects.toBe(refused)
    restore()
    expect(await keyCounts(store)).toEqual({ m: 1, c: 2, g: 0 })
  })

  it('because the store was closed, leaves nothing when it is open again', async () => {
    const source = new Gate()
    const putting = blobs.putBlob('k', heldAfter(3 * CHUNK, source))
    await source.reached
    await store.close()
    source.open()
    await expect(putting).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    await store.open()
    await blobsIn(store).putBlob('other', noise(CHUNK))
    expect(await keyCounts(store)).toEqual({ m: 2, c: 3, g: 0 })
  })

  it('or may have been, once or twice, leaves nothing when its key is deleted', async () => {
    const restore = failPublishing('before')
    await expect(blobs.putBlob('new', noise(3 * CHUNK))).rejects.toThrow('disk')
    await expect(blobs.putBlob('new', noise(4 * CHUNK))).rejects.toThrow('disk')
    restore()
    await blobs.removeOrphans()
    expect((await keyCounts(store)).c).toBe(9)
    expect(await blobs.deleteBlob('new')).toBe(false)
    expect(await keyCounts(store)).toEqual({ m: 1, c: 2, g: 0 })
  })

  it('or may have been, leaves nothing when the store is open again', async () => {
    const restore = failPublishing('before')
    await expect(blobs.putBlob('new', noise(3 * CHUNK))).rejects.toThrow('disk')
    restore()
    await store.close()
    await store.open()
    await blobsIn(store).putBlob('other', noise(CHUNK))
    expect(await keyCounts(store)).toEqual({ m: 2, c: 3, g: 0 })
  })

  it('according to the backend, but was: the next put deletes the chunks of the one before', async () => {
    const restore = failPublishing('after')
    await expect(blobs.putBlob('k', noise(3 * CHUNK))).rejects.toThrow('disk')
    restore()
    expect((await bytesOf(await blobs.getBlob('k'))).equals(noise(3 * CHUNK))).toBe(true)
    await blobs.putBlob('other', noise(CHUNK))
    expect(await keyCounts(store)).toEqual({ m: 2, c: 4, g: 0 })
  })

  it('according to the backend, but was while the one before is being read: a put after that deletes its chunks', async () => {
    const reader = await blobs.getBlob('k')
    const restore = failPublishing('after')
    await expect(blobs.putBlob('k', noise(3 * CHUNK))).rejects.toThrow('disk')
    restore()
    await blobs.putBlob('other', noise(CHUNK))
    expect((await bytesOf(reader)).equals(OLD)).toBe(true)
    await blobs.putBlob('other', noise(CHUNK))
    expect(await keyCounts(store)).toEqual({ m: 2, c: 4, g: 0 })
  })

  it('does not take the put with it that waits for its key', async () => {
    const gate = new Gate()
    const restore = intercept(store.backend, ['_get'], async ({ args, proceed }) => {
      if (gate.arrivals > 0 || !JSON.stringify(args, asText).includes('!blobs!mk')) return proceed()
      await gate.wait()
      throw new Error('disk')
    })
    const puts = [blobs.putBlob('k', noise(3 * CHUNK)), blobs.putBlob('k', noise(4 * CHUNK))]
    await gate.reached
    await turns(20)
    gate.open()
    const failed = (await failures(puts)).filter(error => error !== undefined)
    expect(failed).toEqual([expect.objectContaining({ message: 'disk' })])
    restore()
    const { length } = (await blobs.statBlob('k'))!
    expect(await keyCounts(store)).toEqual({ m: 1, c: length / CHUNK, g: 0 })
  })

  it('because it is aborted while its last chunk is written, leaves nothing', async () => {
    const controller = new AbortController()
    const restore = intercept(store.backend, WRITES, ({ args, proceed }) => {
      if (JSON.stringify(args, asText).includes('!blobs!c')) controller.abort(new Error('given up'))
      return proceed()
    })
    await expect(blobs.putBlob('k', noise(10), { signal: controller.signal })).rejects.toThrow('given up')
    restore()
    expect((await bytesOf(await blobs.getBlob('k'))).equals(OLD)).toBe(true)
    expect(await keyCounts(store)).toEqual({ m: 1, c: 2, g: 0 })
  })

  it('nor deleted, according to the backend, but was deleted: the next put deletes its chunks', async () => {
    const restore = failPublishing('after')
    await expect(blobs.deleteBlob('k')).rejects.toThrow('disk')
    restore()
    await blobs.putBlob('other', noise(CHUNK))
    expect(await keyCounts(store)).toEqual({ m: 1, c: 1, g: 0 })
  })
})

it('a blob is not there when the store is cleared just before it is published', async () => {
  const store = await MODES['write-through']!()
  let cleared: Promise<void> | undefined
  // What a put looks up last: whether its key has a blob already.
  intercept(store.backend, ['_get'], ({ args, proceed }) => {
    if (JSON.stringify(args, asText).includes('!blobs!mk')) cleared ??= store.clear()
    return proceed()
  })
  const put = blobsIn(store).putBlob('k', noise(2 * CHUNK))
  await expect(put).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
  await cleared
  expect(await keyCounts(store)).toEqual({ m: 0, c: 0, g: 0 })
  await store.close()
})

it('a blob that was published stays when the backend cannot be asked any more', async () => {
  const store = await MODES['write-through']!()
  const blobs = blobsIn(store)
  const restore = intercept(store.backend, ['_has'], () => Promise.reject(new Error('disk')))
  await blobs.putBlob('k', OLD)
  restore()
  expect((await bytesOf(await blobs.getBlob('k'))).equals(OLD)).toBe(true)
  await store.close()
})

it('a blob is put whose store cannot flush meanwhile', async () => {
  const level = new PermanentMemoryLevel()
  const store = await openLogged(logOn(new CrashableFileSystem(), { segmentBytes: 1e6 }), level, { memtable: {} })
  const blobs = new BlobStore(store)
  const failed = vi.fn<() => void>()
  store.on('flushError', failed)
  await blobs.putBlob('first', noise(CHUNK))
  const restore = failing(level, WRITES, new Error('disk'))
  await blobs.putBlob('k', noise(3_000_000), { codec: 'none' })
  await vi.waitFor(() => expect(failed).toHaveBeenCalled(), EVENTUALLY)
  restore()
  expect((await bytesOf(await blobs.getBlob('k'))).equals(noise(3_000_000))).toBe(true)
  await store.close()
})

it('chunks that could not be deleted when their blob was replaced are deleted by the next put, however many are left', async () => {
  const store = await MODES['write-through']!()
  const blobs = blobsIn(store)
  await blobs.putBlob('k', text(1001 * CHUNK))
  let deletions = 0
  const restore = intercept(store.backend, WRITES, ({ args, proceed }) => {
    const operations = args[0] as Operations
    const isDeletion = Array.isArray(operations) && operations.every(({ type }) => type === 'del')
    return isDeletion && ++deletions === 2 ? Promise.reject(new Error('disk')) : proceed()
  })
  await blobs.putBlob('k', noise(CHUNK))
  expect(deletions).toBe(2)
  restore()
  expect((await keyCounts(store)).c).toBe(2)
  await blobs.putBlob('other', noise(CHUNK))
  expect(await keyCounts(store)).toEqual({ m: 2, c: 2, g: 0 })
  await store.close()
})

describe('a stream that is not read yet, while a put looks for orphans,', () => {
  let store: Store
  let blobs: BlobStore

  beforeEach(async () => {
    store = await MODES['write-through']!()
    blobs = blobsIn(store)
  })

  afterEach(() => store.close())

  it('and fails, makes the put fail with its error', async () => {
    const scan = new Gate()
    const restore = intercept(store.backend, ['_iterator'], call => {
      const iterator = call.proceed() as unknown as Record<'_next' | '_nextv', (...args: unknown[]) => Promise<unknown>>
      for (const method of ['_next', '_nextv'] as const) {
        const original = iterator[method]
        iterator[method] = async (...args) => {
          await scan.wait()
          return original.apply(iterator, args)
        }
      }
      return iterator as never
    })
    const source = new PassThrough()
    const failed = failures([blobs.putBlob('k', source)])
    await scan.reached
    source.destroy(new Error('the connection is reset'))
    await turns(2)
    scan.open()
    expect(await failed).toEqual([expect.objectContaining({ message: 'the connection is reset' })])
    restore()
    expect(await keyCounts(store)).toEqual({ m: 0, c: 0, g: 0 })
  })

  it('is destroyed if that fails', async () => {
    const restore = intercept(store.backend, ['_iterator'], () => {
      throw new Error('the disk is gone')
    })
    const source = new PassThrough()
    await expect(blobs.putBlob('k', source)).rejects.toThrow(/./)
    expect(source.destroyed).toBe(true)
    restore()
  })
})

describe('looking for orphans', () => {
  it('leaves a blob alone that is published meanwhile', async () => {
    const store = await MODES['write-through']!()
    const blobs = blobsIn(store)
    await blobs.putBlob('first', OLD)
    // What a crash leaves: a generation that nobody names, before all others.
    const level = store.sublevel<Buffer, Buffer>('blobs', { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    await level.put(Buffer.concat([Buffer.from('g'), Buffer.alloc(16)]), Buffer.alloc(0))
    const pieces = new Gate()
    const putting = blobs.putBlob('k', heldAfter(2 * CHUNK, pieces))
    await pieces.reached
    // The scan begins while it is being written, and comes to it when it is published.
    let iterators = 0
    const restore = intercept(store.backend, ['_iterator'], call => {
      const iterator = call.proceed() as unknown as Record<'_next' | '_nextv' | '_all', () => Promise<unknown>>
      if (++iterators !== 2) return iterator as never
      for (const method of ['_next', '_nextv', '_all'] as const) {
        const original = iterator[method]
        iterator[method] = async (...args) => {
          pieces.open()
          await putting
          return original.apply(iterator, args)
        }
      }
      return iterator as never
    })
    expect(await blobs.removeOrphans()).toBe(1)
    restore()
    expect((await bytesOf(await blobs.getBlob('k'))).equals(noise(2 * CHUNK))).toBe(true)
    expect(await keyCounts(store)).toEqual({ m: 2, c: 4, g: 0 })
    await store.close()
  })

  it('leaves a blob alone that is published while the store is asked about it', async () => {
    const store = await MODES['write-through']!()
    const blobs = blobsIn(store)
    await blobs.putBlob('first', OLD)
    const pieces = new Gate()
    const putting = blobs.putBlob('k', heldAfter(9 * CHUNK, pieces))
    await pieces.reached
    const restore = intercept(store.backend, ['_has'], async ({ args, proceed }) => {
      const answer = await proceed()
      if (!JSON.stringify(args, asText).includes('!blobs!g')) return answer
      pieces.open()
      await putting
      return answer
    })
    expect(await blobs.removeOrphans()).toBe(0)
    restore()
    pieces.open()
    await putting
    expect((await bytesOf(await blobs.getBlob('k'))).equals(noise(9 * CHUNK))).toBe(true)
    expect(await keyCounts(store)).toEqual({ m: 2, c: 11, g: 0 })
    await store.close()
  })

  it('goes on with the next put when there are more than a hundred', async () => {
    const store = await MODES['write-through']!()
    const level = store.sublevel<Buffer, Buffer>('blobs', { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    for (let i = 0; i < 150; i++) {
      await level.put(Buffer.concat([Buffer.from('g'), Buffer.alloc(16, i)]), Buffer.alloc(0))
    }
    const blobs = blobsIn(store)
    await blobs.putBlob('k', OLD)
    expect(await keyCounts(store)).toEqual({ m: 1, c: 2, g: 50 })
    await blobs.putBlob('k', OLD)
    expect(await keyCounts(store)).toEqual({ m: 1, c: 2, g: 0 })
    await store.close()
  })

  it('leaves a blob alone that is published, read and replaced meanwhile, until the reader is done', async () => {
    const store = await MODES['write-through']!()
    const blobs = blobsIn(store)
    await blobs.putBlob('first', OLD)
    const pieces = new Gate()
    const putting = blobs.putBlob('k', heldAfter(9 * CHUNK, pieces))
    await pieces.reached
    // The scan sees its entry, and is then asked about it: first it is published, and the answer comes when it is garbage again.
    let reading: Readable | undefined
    let asked = false
    const restoreScan = intercept(store.backend, ['_iterator'], call => {
      const iterator = call.proceed() as unknown as Record<'_next' | '_nextv', (...args: unknown[]) => Promise<unknown>>
      for (const method of ['_next', '_nextv'] as const) {
        const original = iterator[method]
        iterator[method] = async (...args) => {
          const entries = await original.apply(iterator, args)
          restoreScan()
          pieces.open()
          await putting
          return entries
        }
      }
      return iterator as never
    })
    const restoreHas = intercept(store.backend, ['_has'], async call => {
      if (!asked && JSON.stringify(call.args, asText).includes('!blobs!g')) {
        asked = true
        reading = await blobs.getBlob('k')
        await blobs.putBlob('k', OLD)
      }
      return call.proceed()
    })
    expect(await blobs.removeOrphans()).toBe(0)
    expect(asked).toBe(true)
    restoreHas()
    expect((await bytesOf(reading)).equals(noise(9 * CHUNK))).toBe(true)
    await untilCounts(store, { m: 2, c: 4, g: 0 })
    await store.close()
  })
})

it('a put of an array that is aborted does not first write all of it', async () => {
  const store = await MODES['write-through']!()
  const controller = new AbortController()
  let puts = 0
  intercept(store.backend, ['_put', '_batch'], ({ method, args, proceed }) => {
    puts += method === '_put' ? 1 : putKeys(args[0] as Operations).length
    if (puts > 1) controller.abort(new Error('given up'))
    return proceed()
  })
  const put = blobsIn(store).putBlob('k', noise(2048 * CHUNK), { signal: controller.signal })
  await expect(put).rejects.toThrow('given up')
  expect(puts).toBeLessThan(1024)
  expect(await keyCounts(store)).toEqual({ m: 0, c: 0, g: 0 })
  await store.close()
})
