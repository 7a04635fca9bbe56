import { ClassicLevel } from 'classic-level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { isReserved, RESERVED_END, RESERVED_START } from '../../src/store/backend/reserved-keys.js'
import { copyWhileOpen } from '../support/logged-store.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

type Bytes = ClassicLevel<Buffer, Buffer>
type Store = CompressedKvStore<Buffer, Buffer>

const BELOW = ['61', 'ff00', 'ff636b75', 'ff636b76'].map(hex => Buffer.from(hex, 'hex'))
const ABOVE = ['ff636b7601', 'ff636b77', 'ffff', 'ffffffffffff'].map(hex => Buffer.from(hex, 'hex'))
const MARKER_OR_SO = Buffer.concat([RESERVED_START, Buffer.from('m')])
const TARGETS = [...BELOW, RESERVED_START, MARKER_OR_SO, ...ABOVE, Buffer.alloc(64, 0xff)]
const VALUE = Buffer.from('value')
const MODES = [{}, { memtable: false }, { wal: false }] as const

async function databaseIn(directory: string): Promise<Bytes> {
  const backend: Bytes = new ClassicLevel(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  await backend.open()
  return backend
}

const emptyDatabase = () => databaseIn(temporaryDirectory())

async function openOn(backend: Bytes, options: object): Promise<Store> {
  const store = new CompressedKvStore(backend, options)
  await store.open()
  return store
}

const inOrder = (keys: readonly Buffer[]) => keys.map(key => key.toString('hex')).toSorted()

/** Goes through the store in every way: with each bound, both ways, and to each target. */
async function expectKeys(store: Store, keys: readonly Buffer[]): Promise<void> {
  const expected = inOrder(keys)
  const ranges = TARGETS.flatMap(bound => [{ lt: bound }, { lte: bound }, { gt: bound }, { gte: bound }])
  for (const range of [{}, ...ranges]) {
    const [[name, bound] = ['gte', Buffer.alloc(0)]] = Object.entries(range) as [string, Buffer][]
    const within = expected.filter(hex => {
      const order = Buffer.compare(Buffer.from(hex, 'hex'), bound)
      return name === 'lt' ? order < 0 : name === 'lte' ? order <= 0 : name === 'gt' ? order > 0 : order >= 0
    })
    for (const reverse of [false, true]) {
      const found = await store.keys({ ...range, reverse }).all()
      expect(found.map(key => key.toString('hex'))).toEqual(reverse ? within.toReversed() : within)
      const [last] = await store.iterator({ ...range, reverse, limit: 1 }).all()
      expect(last?.[0].toString('hex')).toBe(within.at(reverse ? -1 : 0))
    }
  }
  for (const reverse of [false, true]) {
    for (const target of TARGETS) {
      const iterator = store.keys({ reverse })
      iterator.seek(target)
      const from = expected.filter(hex => {
        const order = Buffer.compare(Buffer.from(hex, 'hex'), target)
        return reverse ? order <= 0 : order >= 0
      })
      expect((await iterator.next())?.toString('hex')).toBe(from.at(reverse ? -1 : 0))
      await iterator.close()
    }
  }
}

describe.each(MODES)('with %j, over LevelDB', options => {
  it('every iterator ends before the versions of the marker, as long as no key comes after it', async () => {
    const backend = await emptyDatabase()
    const store = await openOn(backend, options)
    for (const key of BELOW) await store.put(key, VALUE)
    const ends: (Buffer | undefined)[] = []
    const target = backend as unknown as { _iterator: (options: { lte?: Buffer }) => unknown }
    const make = target._iterator.bind(target)
    target._iterator = given => {
      ends.push(given.lte)
      return make(given)
    }
    await store.keys({ reverse: true, limit: 1 }).all()
    await store.values({ gt: BELOW[0]!, lt: ABOVE[0]! }).all()
    await store.put(ABOVE[0]!, VALUE)
    await store.keys({ reverse: true, limit: 1 }).all()
    expect(ends).toEqual([RESERVED_START, RESERVED_START, undefined])
    await store.close()
  })

  it('keys are found on both sides of the reserved ones, whenever they were written', async () => {
    const backend = await emptyDatabase()
    const store = await openOn(backend, options)
    await expectKeys(store, [])
    await store.batch(BELOW.map(key => ({ type: 'put', key, value: VALUE })))
    await expectKeys(store, BELOW)
    const before = store.snapshot()
    const [first, second, ...others] = ABOVE
    const waiting = store.put(first!, VALUE)
    const there = store.keys()
    await Promise.all([waiting, store.batch().put(second!, VALUE).write()])
    await expectKeys(store, [...BELOW, first!, second!])
    await store.batch(others.map(key => ({ type: 'put', key, value: VALUE })))
    await expectKeys(store, [...BELOW, ...ABOVE])
    expect(inOrder(await store.keys({ snapshot: before, reverse: true }).all())).toEqual(inOrder(BELOW))
    expect(inOrder((await there.all()).filter(key => Buffer.compare(key, RESERVED_END) < 0))).toEqual(inOrder(BELOW))
    await before.close()
    await store.close()
    await backend.open()
    const again = await openOn(backend, options)
    await expectKeys(again, [...BELOW, ...ABOVE])
    await again.clear({ gte: RESERVED_END })
    await expectKeys(again, BELOW)
    await again.close()
  })

  it('keys that the database had before it was wrapped are found after the reserved ones', async () => {
    const backend = await emptyDatabase()
    await backend.put(ABOVE[1]!, VALUE)
    const store = await openOn(backend, options)
    await store.put(BELOW[0]!, VALUE)
    await expectKeys(store, [BELOW[0]!, ABOVE[1]!])
    expect((await backend.keys().all()).some(isReserved)).toBe(true)
    await store.close()
  })
})

it.each([{}, { memtable: false }])(
  'after a crash, keys after the reserved ones that only the log had are found by a store with %j',
  async options => {
    const store = await openOn(await emptyDatabase(), { memtable: { flushIntervalMs: Infinity } })
    await store.put(BELOW[0]!, VALUE)
    await store.put(ABOVE[0]!, VALUE)
    const backend = await databaseIn(copyWhileOpen(store.location!))
    await store.close()
    expect((await backend.keys().all()).some(key => key.equals(ABOVE[0]!))).toBe(false)
    const again = await openOn(backend, options)
    await expectKeys(again, [BELOW[0]!, ABOVE[0]!])
    await again.close()
  }
)

it('a store opened with readOnly finds keys after the reserved ones that only its log has', async () => {
  const store = await openOn(await emptyDatabase(), { memtable: { flushIntervalMs: Infinity } })
  await store.put(BELOW[0]!, VALUE)
  await store.flush()
  await store.put(ABOVE[0]!, VALUE)
  const backend = await databaseIn(copyWhileOpen(store.location!))
  const reading = await openOn(backend, { readOnly: true })
  expect(reading.stats().memtable?.entries).toBe(1)
  await expectKeys(reading, [BELOW[0]!, ABOVE[0]!])
  await reading.close()
  await store.close()
})
