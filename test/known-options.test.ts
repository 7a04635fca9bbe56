import { adaptive, CompressedKvStore, inspect, lz4, Lz4Gc, tensor, unwrap, Wal, zstd, ZstdGc } from 'compressed-kv'
import { BlobStore } from 'compressed-kv/blobs'
import { TensorCache } from 'compressed-kv/tensor-cache'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it, test } from 'vitest'
import { nearestName } from '../src/nearest-name.js'
import { CrashableFileSystem } from './support/crashable-file-system.js'
import { failures } from './support/failures.js'
import { openStore } from './support/memory-store.js'

const log = { dir: '/log', fs: new CrashableFileSystem(), meter: false } as const
const cacheOptions = { model: 'm', dtype: 'f32', layers: 1, shape: [256], seqAxis: 0, maxBytes: 1e6 } as const

/** Options of the log, a write and so on, beside `codec` instead of where they belong. */
const MISPLACED: Readonly<Record<string, readonly [options: object, message: RegExp]>> = {
  'of the log': [{ fsync: 'always' }, /'fsync' is no option of CompressedKvStore: use wal: \{ fsync \}/],
  'of the log, where it is': [{ dir: './log' }, /use wal: \{ dir \}/],
  'of other databases, by which LevelDB would only see that it is true': [{ compression: 'zstd' }, /use codec$/],
  'of the log, how it recovers': [{ recovery: 'strict' }, /use wal: \{ recovery \}/],
  'of the table': [{ flushBytes: 1 }, /use memtable: \{ flushBytes \}/],
  'of sweeps': [{ intervalMs: 1000 }, /use gc: \{ intervalMs \}/],
  'of a codec': [{ codec: 'zstd', level: 9 }, /use codec: zstd\(\{ level \}\)/],
  'of a write': [{ ttl: 1000 }, /use \{ ttl \} of a write/],
  'of a write that is to be durable': [{ sync: true }, /use \{ sync \} of a write, or wal: \{ fsync: 'always' \}/]
}

describe('an option given to a store that belongs elsewhere is refused, with its place', () => {
  test.each(Object.entries(MISPLACED))('%s', (_, [options, message]) => {
    const make = () => new CompressedKvStore(new MemoryLevel(), options)
    expect(make).toThrow(
      expect.objectContaining({ code: 'CKV_INVALID_OPTION', message: expect.stringMatching(message) as string })
    )
  })
})

test('a codec is asked for, and what is given is the function that makes one', async () => {
  const db = new CompressedKvStore(new MemoryLevel(), { codec: zstd as never })
  const [refused] = await failures([db.put('key', 'value')])
  expect(refused).toMatchObject({
    code: 'CKV_INVALID_OPTION',
    message: expect.stringMatching(/write zstd\(\) and not the function/) as string
  })
  await db.close()
})

/** Whoever misspells an option is told, wherever it is. JavaScript does not care about types, hence `never`. */
const MISSPELT: Readonly<Record<string, readonly [make: () => unknown, message: RegExp]>> = {
  'of a store': [
    () => new CompressedKvStore(new MemoryLevel(), { codecc: 'zstd' } as never),
    /'codecc' of CompressedKvStore: did you mean 'codec'\? There are codec, minSize, .*keyEncoding, /
  ],
  'in another case': [() => new CompressedKvStore(new MemoryLevel(), { memTable: false } as never), /'memtable'\?/],
  'of its log': [
    () => new CompressedKvStore(new MemoryLevel(), { wal: { ...log, fsinc: 'always' } as never }),
    /'fsinc' of wal: did you mean 'fsync'/
  ],
  'of its table': [
    () => new CompressedKvStore(new MemoryLevel(), { wal: log, memtable: { flushBtyes: 1 } as never }),
    /'flushBtyes' of memtable: did you mean 'flushBytes'/
  ],
  'of its sweeps': [
    () => new CompressedKvStore(new MemoryLevel(), { gc: { interval: 1 } as never }),
    /'interval' of gc: did you mean 'intervalMs'/
  ],
  'of a rule, which would be one for every key': [
    () => new CompressedKvStore(new MemoryLevel(), { codec: [{ prefx: 'a', codec: 'zstd' } as never] }),
    /'prefx' of a rule of codec: did you mean 'prefix'/
  ],
  'of adaptive()': [() => adaptive({ levl: 9 } as never), /did you mean 'level'/],
  'of tensors in it': [() => adaptive({ tensors: [{ prefix: 'a', dtipe: 'f32' } as never] }), /did you mean 'dtype'/],
  'of zstd()': [() => zstd({ levle: 9 } as never), /'levle' of zstd\(\): did you mean 'level'/],
  'of lz4(), which has one level': [
    () => Reflect.apply(lz4, undefined, [{ level: 9 }] as never),
    /'level' of lz4\(\)\. It has none$/
  ],
  'of ZstdGc': [() => new ZstdGc({ lvl: 9 } as never), /'lvl' of ZstdGc/],
  'of tensor()': [() => tensor({ dtype: 'f32', codecs: 'lz4' } as never), /did you mean 'codec'/],
  'of Wal.open()': [() => Wal.open({ ...log, segmentByte: 1 } as never), /did you mean 'segmentBytes'/],
  'of unwrap()': [() => unwrap(new MemoryLevel(), { onprogress: () => {} } as never), /did you mean 'onProgress'/],
  'of inspect()': [() => inspect(new MemoryLevel(), { maxValuesize: 1 } as never), /did you mean 'maxValueSize'/],
  'of a sweep': [async () => (await openStore()).store.gc.run({ forced: true } as never), /did you mean 'force'/],
  'of reading a log': [
    async () => (await Wal.open({ ...log, fs: new CrashableFileSystem() })).wal.read({ folow: true } as never),
    /did you mean 'follow'/
  ],
  'of BlobStore': [() => new BlobStore(new CompressedKvStore(new MemoryLevel()), { names: 'a' } as never), /'name'\?/],
  'of putBlob()': [() => blobs().putBlob('k', Buffer.alloc(1), { modell: 'm' } as never), /did you mean 'model'/],
  'of getBlob()': [
    () => blobs().getBlob('k', { begin: 1 } as never),
    /'begin' of getBlob\(\)\. There are .*start, end/
  ],
  'of getFile()': [() => blobs().getFile('k', 'file', { start: 1 } as never), /'start' of getFile\(\)/],
  'of listBlobs()': [
    () =>
      blobs()
        .listBlobs({ limits: 1 } as never)
        .next(),
    /did you mean 'limit'/
  ],
  'of TensorCache': [
    () => new TensorCache(new CompressedKvStore(new MemoryLevel()), { ...cacheOptions, seqaxis: 1 } as never),
    /'seqaxis' of TensorCache: did you mean 'seqAxis'/
  ]
}

function blobs(): BlobStore {
  return new BlobStore(new CompressedKvStore(new MemoryLevel()))
}

test.for(Object.entries(MISSPELT))('an option %s', async ([, [make, message]]) => {
  await expect((async () => make())()).rejects.toMatchObject({
    code: 'CKV_INVALID_OPTION',
    message: expect.stringMatching(message) as string
  })
})

const WRONG: Readonly<Record<string, readonly [options: unknown, message: RegExp]>> = {
  null: [null, /CompressedKvStore takes an object of options, not null/],
  'a name': ['zstd', /takes an object of options, not 'zstd'/],
  'a list': [[], /takes an object of options, not \[\]/],
  'an option that is null': [{ codec: null }, /'codec' of CompressedKvStore is null: leave it out/],
  'text for a boolean': [{ readOnly: 'no' }, /'readOnly' of CompressedKvStore must be true or false, not 'no'/],
  'an object for a function': [{ onProgress: {} }, /'onProgress' of CompressedKvStore must be a function, not \{\}/],
  'no meter': [{ meter: true }, /must be an OpenTelemetry meter, or false, not true/],
  'a log without a place': [{ wal: true }, /The backend has no directory of its own/],
  'a policy of fsync': [{ wal: { ...log, fsync: 'never' } }, /fsync must be one of 'always', 'interval', 'os'/],
  'recovery of a log that is looked at': [{ wal: { ...log, recovery: 'salvage' } }, /open the log alone/],
  'a policy for options of sweeps': [{ gc: new Lz4Gc() }, /give it a policy as \{ policy \}/],
  'a rule that is none': [{ codec: ['zstd'] }, /a rule of codec takes an object of options, not 'zstd'/]
}

test.for(Object.entries(WRONG))('a store refuses %s when it is made', ([, [options, message]]) => {
  const make = () => new CompressedKvStore(new MemoryLevel(), options as never)
  expect(make).toThrow(expect.objectContaining({ code: 'CKV_INVALID_OPTION' }))
  expect(make).toThrow(message)
})

describe('what is no option of ours', () => {
  it('may be undefined', async () => {
    const { store } = await openStore({ codec: undefined, whatever: undefined } as never)
    expect(store.status).toBe('open')
  })

  it('goes on to the backend of a store that opens by itself', async () => {
    let seen: object | undefined
    const backend = Object.assign(new MemoryLevel(), { _open: async (given: object) => void (seen = given) })
    await new CompressedKvStore(backend, { cacheSize: 1 } as never).get('key')
    expect(seen).toMatchObject({ cacheSize: 1 })
  })

  it.for(['given to the constructor', 'given to open()'])('goes on to the backend, %s', async how => {
    const backend = new MemoryLevel()
    const seen: object[] = []
    const open = backend.open.bind(backend)
    backend.open = async (given: object = {}) => {
      seen.push(given)
      return open(given)
    }
    const options = { multithreading: true } as never
    const isEarly = how === 'given to the constructor'
    await new CompressedKvStore(backend, isEarly ? options : {}).open(isEarly ? {} : options)
    expect(seen[0]).toMatchObject({ multithreading: true })
  })

  it.for(['zstd', 9])('is not a whole argument, as in zstd(%s)', level => {
    expect(() => zstd(level as never)).toThrow(expect.objectContaining({ code: 'CKV_INVALID_OPTION' }))
  })
})

describe('a value that an option cannot have', () => {
  it.for<[options: object, message: string]>([
    [{ minSize: '1024' }, "not '1024'"],
    [{ dictionary: true }, 'not true'],
    [{ codec: [{ prefix: 'a' }] }, 'not undefined'],
    [{ memtable: true }, 'leave memtable out'],
    [{ codec: 'zstd:9' }, "use 'none', 'lz4', 'zstd' or the codec itself, such as zstd({ level: 9 })"],
    [{ gc: { policy: ZstdGc } }, 'as new Lz4Gc(), new ZstdGc() and new NoGc() do'],
    [{ gc: { bytesPerSecond: '20' } }, "gc.bytesPerSecond must be a number above 0, or Infinity, not '20'"],
    [{ codec: [{ sublevel: 5, codec: 'zstd' }] }, 'a list of names from the outermost on, not 5'],
    [{ codec: [{ sublevel: '', codec: 'zstd' }] }, "not ''"],
    [{ codec: [{ sublevel: '!kv!', codec: 'zstd' }] }, 'its name without separators'],
    [{ codec: [{ sublevel: ['a', 'Köln'], codec: 'zstd' }] }, "not [ 'a', 'Köln' ]"],
    [{ codec: [{ sublevel: [], codec: 'zstd' }] }, 'not []'],
    [{ codec: [{ sublevel: ['a', 5], codec: 'zstd' }] }, "not [ 'a', 5 ]"]
  ])('is shown as it is: %o', ([options, message]) => {
    expect(() => new CompressedKvStore(new MemoryLevel(), options as never)).toThrow(message)
  })
})

describe('a first argument that is no database', () => {
  it.for([undefined, null, 'db', {}, { supports: {} }, new Map()])('is refused: %s', async backend => {
    const refused = { name: 'CompressedKvError', code: 'LEVEL_NOT_SUPPORTED' }
    expect(() => new CompressedKvStore(backend as never)).toThrow(expect.objectContaining(refused))
    await expect(inspect(backend as never)).rejects.toMatchObject(refused)
    await expect(unwrap(backend as never)).rejects.toMatchObject(refused)
  })
})

describe('the nearest name', () => {
  const names = ['codec', 'fsync', 'fsyncIntervalMs', 'dir']

  it.for([
    ['codecc', 'codec'],
    ['cdoec', 'codec'],
    ['CODEC', 'codec'],
    ['fsyncInterval', 'fsyncIntervalMs'],
    ['dri', 'dir'],
    ['dictionary', undefined],
    ['', undefined],
    ['x'.repeat(60), undefined]
  ] as const)('of %s is %s', ([given, nearest]) => {
    expect(nearestName(given, names)).toBe(nearest)
  })
})
