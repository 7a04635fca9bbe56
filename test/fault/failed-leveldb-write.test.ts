import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore, type CompressedKvStoreOptions } from '../../src/index.js'
import { type Method, override } from '../../src/store/backend/override.js'
import { classicLevel } from '../support/classic-level.js'
import { failures } from '../support/failures.js'
import { noise } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

/** A few of them, and a log that is closed leaves none of its records behind. */
const VALUE = noise(3000)
const NO_SPACE = Object.assign(new Error('000003.log: No space left on device'), { code: 'LEVEL_IO_ERROR' })

/** A LevelDB as it is on a disk that is full for a while: what it takes after a write that failed is gone when it is opened again. */
function onFullDisk(directory: string) {
  const level = classicLevel(directory)
  const disk = { isFull: false, loses: false }
  const write =
    (original: Method): Method =>
    async (...args) => {
      disk.loses ||= disk.isFull
      if (disk.isFull) throw NO_SPACE
      if (!disk.loses) await original(...args)
    }
  for (const name of ['_put', '_del', '_batch']) {
    override(level, name, original => write((...args) => original.apply(level, args)))
  }
  override(level, '_chainedBatch', make => () => {
    const batch = make.call(level) as object
    override(batch, '_write', original => write((...args) => original.apply(batch, args)))
    return batch
  })
  level.on('closed', () => (disk.loses = false))
  return { level, disk }
}

const MODES: Record<string, CompressedKvStoreOptions<string, Buffer>> = {
  'write-back': { memtable: { flushIntervalMs: 1 } },
  logged: { memtable: false },
  'write-through': { wal: false }
}

describe.each(Object.entries(MODES))('%s, after LevelDB failed to write', (_mode, options) => {
  /** A store whose LevelDB has just failed, and works again. */
  async function afterFailure() {
    const directory = temporaryDirectory()
    const { level, disk } = onFullDisk(directory)
    const store = new CompressedKvStore(level, options)
    await store.put('before', VALUE)
    await store.flush()
    disk.isFull = true
    const [failed] = await failures([store.put('unlucky', VALUE).then(() => store.flush())])
    expect(failed).toBeDefined()
    disk.isFull = false
    return { directory, store }
  }

  it('what is acknowledged is there when it is opened again', async () => {
    const { directory, store } = await afterFailure()
    const keys = ['a', 'b', 'c']
    const refused = await failures(keys.map(key => store.put(key, VALUE)))
    const acknowledged = ['before', ...keys.filter((_, i) => refused[i] === undefined)]
    await failures([store.flush()])
    await store.close()
    const reopened = new CompressedKvStore(classicLevel(directory))
    expect(await reopened.getMany(acknowledged)).toEqual(acknowledged.map(() => VALUE))
    await reopened.close()
  })

  it('the error says that the store has to be opened again, and then it takes writes', async () => {
    const { directory, store } = await afterFailure()
    const [error] = await failures([store.put('a', VALUE).then(() => store.flush())])
    expect(error).toMatchObject({
      code: 'LEVEL_IO_ERROR',
      message: expect.stringContaining(
        'close the database, or the store over it, and open it again: 000003.log: No space left on device'
      )
    })
    await store.close()
    await store.open()
    await store.put('b', VALUE)
    await store.close()
    const reopened = new CompressedKvStore(classicLevel(directory))
    expect(await reopened.getMany(['before', 'b'])).toEqual([VALUE, VALUE])
    await reopened.close()
  })
})

it('writes that wait for room are rejected at once: no flush can make any', async () => {
  const { level, disk } = onFullDisk(temporaryDirectory())
  const store = new CompressedKvStore(level, { memtable: { flushBytes: 5000, maxBytes: 10_000 } })
  await store.put('0', VALUE) // The log exists.
  await store.flush()
  disk.isFull = true
  const refused = await failures(Array.from({ length: 8 }, (_, i) => store.put(`${i + 1}`, VALUE)))
  expect(refused.slice(0, 2)).toEqual([undefined, undefined])
  expect(refused.at(-1)).toMatchObject({ code: 'LEVEL_IO_ERROR', cause: NO_SPACE })
  disk.isFull = false
  await store.close()
  const reopened = new CompressedKvStore(classicLevel(store.location!))
  const acknowledged = refused.flatMap((error, i) => (error === undefined ? `${i + 1}` : []))
  expect(await reopened.keys().all()).toEqual(['0', ...acknowledged])
  await reopened.close()
})

it('writes that still have room cause no more flushes, each of which would seal all values again', async () => {
  const { level, disk } = onFullDisk(temporaryDirectory())
  const store = new CompressedKvStore(level, { memtable: { flushBytes: 5000 } })
  await store.put('0', VALUE) // The log exists.
  await store.flush()
  disk.isFull = true
  await store.put('1', VALUE)
  await failures([store.flush()])
  const { backendCalls } = store.stats().writes
  for (let i = 2; i < 10; i++) {
    await store.put(`${i}`, VALUE)
    await setTimeout(5)
  }
  const [error] = await failures([store.flush()])
  expect(error).toMatchObject({ code: 'LEVEL_IO_ERROR', cause: NO_SPACE })
  expect(store.stats().writes.backendCalls).toBe(backendCalls)
  await store.close()
})

it('with a log and no MemTable, nothing of a refused write is logged', async () => {
  const { level, disk } = onFullDisk(temporaryDirectory())
  const store = new CompressedKvStore(level, { memtable: false })
  await store.put('a', VALUE)
  disk.isFull = true
  await expect(store.put('b', VALUE)).rejects.toMatchObject({ code: 'CKV_OUTCOME_UNKNOWN' })
  const { nextSequence } = store.wal!
  const refused = [store.put('c', VALUE), store.clear(), store.clear({ limit: 1 })]
  for (const error of await failures(refused)) expect(error).toMatchObject({ code: 'LEVEL_IO_ERROR', cause: NO_SPACE })
  expect(store.wal!.nextSequence).toBe(nextSequence)
  await store.close()
})

it('a write beside the store, to the same LevelDB, counts', async () => {
  const { level, disk } = onFullDisk(temporaryDirectory())
  const part = (name: string) => level.sublevel<string, Buffer>(name, { valueEncoding: 'buffer' })
  const store = new CompressedKvStore(part('mine'))
  await store.put('a', VALUE)
  disk.isFull = true
  await expect(part('other').put('a', VALUE)).rejects.toBe(NO_SPACE)
  disk.isFull = false
  await expect(store.put('b', VALUE)).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR', cause: NO_SPACE })
  await store.close()
  await level.close()
})

it('an error that is none of the disk changes nothing', async () => {
  const level = classicLevel(temporaryDirectory())
  const store = new CompressedKvStore(level, { wal: false })
  level.hooks.prewrite.add(({ key }) => {
    if (String(key) === 'bad') throw new Error('not this one')
  })
  await expect(store.put('bad', VALUE)).rejects.toMatchObject({ code: 'LEVEL_HOOK_ERROR' })
  await store.put('good', VALUE)
  expect(await store.get('good')).toEqual(VALUE)
  await store.close()
})
