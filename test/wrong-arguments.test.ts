import { CompressedKvStore, inspect, nodeFileSystem, Record, registerCodec, Wal, type WalOptions } from 'compressed-kv'
import { BlobStore } from 'compressed-kv/blobs'
import { KeyvCompressedStore } from 'compressed-kv/keyv'
import { TensorCache } from 'compressed-kv/tensor-cache'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { CrashableFileSystem } from './support/crashable-file-system.js'

const INVALID = { name: 'CompressedKvError', code: 'CKV_INVALID_OPTION' }
const UNSUPPORTED = { name: 'CompressedKvError', code: 'LEVEL_NOT_SUPPORTED' }

const freshLog = (): WalOptions => ({ dir: '/log', fs: new CrashableFileSystem(), meter: false })

const never = (value: unknown) => value as never

describe('a log', () => {
  const bytes = Buffer.from('k')

  it.each([
    ['nothing', undefined],
    ['text', 'k'],
    ['an object of text', { key: 'k', value: 'v' }],
    ['a record without a kind', { key: bytes, value: bytes }],
    ['a record of a kind that there is not', { ...Record.delete('k'), kind: 9 }],
    ['a record whose value is text', { ...Record.put('k', 'v'), value: 'v' }]
  ])('takes no record that is %s, alone or in a batch, and stays readable', async (_, record) => {
    const opened = freshLog()
    const { wal } = await Wal.open(opened)
    await expect(wal.append(never(record))).rejects.toMatchObject(INVALID)
    await expect(wal.appendBatch([Record.put('a', 'b'), never(record)])).rejects.toMatchObject(INVALID)
    await wal.append(Record.put('good', 'v'))
    await wal.close()
    const again = await Wal.open(opened)
    const keys: string[] = []
    for await (const entry of again.wal.read()) keys.push(entry.record.key.toString())
    expect(keys).toEqual(['good'])
  })

  it('takes batches that are lists, places that are positions, and options that there are', async () => {
    const { wal } = await Wal.open(freshLog())
    const record = Record.put('k', 'v')
    await expect(wal.appendBatch(never(undefined))).rejects.toMatchObject(INVALID)
    await expect(wal.appendBatch(never('ab'))).rejects.toMatchObject(INVALID)
    await expect(wal.append(record, never({ sycn: true }))).rejects.toMatchObject(INVALID)
    await expect(wal.append(record, never({ sync: 1 }))).rejects.toMatchObject(INVALID)
    await expect(wal.appendBatch([record], never({ fsync: true }))).rejects.toMatchObject(INVALID)
    await expect(wal.deleteSegmentsBefore(never(5))).rejects.toMatchObject(INVALID)
    await expect(wal.deleteSegmentsBefore(never(undefined))).rejects.toMatchObject(INVALID)
    expect(() => Record.put('k', 'v', never({ tll: 5 }))).toThrow(expect.objectContaining(INVALID))
    expect(wal.nextSequence).toBe(1)
    expect(await wal.appendBatch([])).toEqual([])
  })

  it('is not made with new, and says how it is opened', () => {
    const make = Wal as unknown as new (options: WalOptions) => unknown
    const opening = expect.stringContaining('await Wal.open({ dir })') as string
    expect(() => new make(freshLog())).toThrow(expect.objectContaining({ ...INVALID, message: opening }))
  })

  it('takes no file system that is none', async () => {
    await expect(Wal.open({ dir: '/log', fs: never({}) })).rejects.toMatchObject(INVALID)
    const incomplete = never({ ...nodeFileSystem, syncDirectory: undefined })
    await expect(Wal.open({ dir: '/log', fs: incomplete })).rejects.toThrow(/it has no syncDirectory\(\)$/)
  })
})

describe('a store', () => {
  it.each(['yes', 1, 0, null])('takes sync: %s for neither yes nor no, and writes nothing', async sync => {
    const store = new CompressedKvStore(new MemoryLevel())
    const options = never({ sync })
    await expect(store.put('k', 'v', options)).rejects.toMatchObject(INVALID)
    await expect(store.del('k', options)).rejects.toMatchObject(INVALID)
    await expect(store.clear(options)).rejects.toMatchObject(INVALID)
    await expect(store.batch([{ type: 'put', key: 'k', value: 'v' }], options)).rejects.toMatchObject(INVALID)
    await expect(store.batch([{ type: 'put', key: 'k', value: 'v', sync: never(sync) }])).rejects.toMatchObject(INVALID)
    await expect(store.sublevel('s').put('k', 'v', options)).rejects.toMatchObject(INVALID)
    expect(await store.keys().all()).toEqual([])
  })

  it('takes no URL for the directory of its log, which would have been ignored', () => {
    const url = never(new URL('file:///log'))
    expect(() => new CompressedKvStore(new MemoryLevel(), { wal: url })).toThrow(/wal must be true, false, a directory/)
  })

  it('takes no number in text', () => {
    expect(() => new CompressedKvStore(new MemoryLevel(), { minSaving: never('0.5') })).toThrow(
      expect.objectContaining(INVALID)
    )
  })

  it.each([-1, Number.NaN, '5', 2 ** 40])('and inspect() take no values of up to %s bytes', async maxValueSize => {
    const refused = { ...INVALID, message: expect.stringContaining('maxValueSize must be') as string }
    const options = never({ maxValueSize })
    expect(() => new CompressedKvStore(new MemoryLevel(), options)).toThrow(expect.objectContaining(refused))
    await expect(inspect(new MemoryLevel(), options)).rejects.toMatchObject(refused)
  })

  it('is not what inspect() looks at', async () => {
    const store = new CompressedKvStore(new MemoryLevel())
    await expect(inspect(store)).rejects.toMatchObject(INVALID)
  })
})

describe('an adapter', () => {
  const cache = { model: 'm', dtype: 'f32', layers: 1, shape: [256], seqAxis: 0, maxBytes: 1e6 } as const

  it.each([undefined, null, {}, 'db'])('is not made over %s', store => {
    expect(() => new KeyvCompressedStore(never(store))).toThrow(expect.objectContaining(UNSUPPORTED))
    expect(() => new BlobStore(never(store))).toThrow(expect.objectContaining(UNSUPPORTED))
    expect(() => new TensorCache(never(store), cache)).toThrow(expect.objectContaining(UNSUPPORTED))
  })

  it('is not made over a database that compresses nothing, or a sublevel of one', () => {
    const level = new MemoryLevel()
    expect(() => new KeyvCompressedStore(level)).toThrow(expect.objectContaining(UNSUPPORTED))
    expect(() => new KeyvCompressedStore(level.sublevel('s'))).toThrow(expect.objectContaining(UNSUPPORTED))
    expect(() => new BlobStore(new MemoryLevel())).toThrow(expect.objectContaining(UNSUPPORTED))
    expect(() => new TensorCache(new MemoryLevel(), cache)).toThrow(expect.objectContaining(UNSUPPORTED))
  })

  it('shows what it was given as it was given: text in quotes', async () => {
    const store = new CompressedKvStore(new MemoryLevel())
    const tokens = new TensorCache(store, { ...cache, shape: [1] })
    const blobs = new BlobStore(store)
    await blobs.putBlob('b', Buffer.from('abc'))
    expect(() => new TensorCache(store, { ...cache, layers: never('2') })).toThrow("65535, not '2'")
    expect(() => new TensorCache(store, { ...cache, shape: [never(1n)] })).toThrow('not [ 1n ]')
    expect(() => new TensorCache(store, { ...cache, dtype: never(undefined) })).toThrow('not undefined')
    await expect(tokens.hasPrefix(never(['1']))).rejects.toThrow("2^32 - 1, not '1'")
    await expect(blobs.getBlob('b', { start: never('1') })).rejects.toThrow("from 0 on, not '1'")
    await expect(blobs.getBlob('b', { model: never(5n) })).rejects.toMatchObject(INVALID)
    const bytes = Buffer.alloc(0)
    const codec = { id: '130', name: 'mine', compress: async () => bytes, decompress: async () => bytes }
    expect(() => registerCodec(never(codec))).toThrow("from 128 to 255, not '130'")
  })

  it('of blobs lists between bounds that are text, and as many as a number says', async () => {
    const blobs = new BlobStore(new CompressedKvStore(new MemoryLevel()))
    for (const wrong of [{ gte: 5 }, { lt: ['a'] }, { limit: '1' }, { limit: Number.NaN }, { limit: -1 }]) {
      await expect(blobs.listBlobs(never(wrong)).next()).rejects.toMatchObject(INVALID)
    }
    expect(await blobs.listBlobs({ limit: Infinity }).next()).toMatchObject({ done: true })
  })

  it('of blobs has a name that is text', () => {
    const store = new CompressedKvStore(new MemoryLevel())
    expect(() => new BlobStore(store, { name: never(5) })).toThrow(expect.objectContaining(INVALID))
  })
})
