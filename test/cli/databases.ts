import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { CompressedKvStore, type CompressedKvStoreOptions } from '../../src/index.js'
import { text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

type Store = CompressedKvStore<string, Buffer>
type Options = CompressedKvStoreOptions<string, Buffer>

export function bareLevel(location: string): ClassicLevel<string, Buffer> {
  return new ClassicLevel(location, { valueEncoding: 'buffer' })
}

/** A directory for a database that is not there yet. */
export function newLocation(): string {
  return join(temporaryDirectory(), 'db')
}

/** A database that was never wrapped. */
export async function bare(entries: readonly (readonly [string, Buffer])[] = someEntries()): Promise<string> {
  const location = newLocation()
  const level = bareLevel(location)
  await level.batch(entries.map(([key, value]) => ({ type: 'put', key, value })))
  await level.close()
  return location
}

/** Lets a store work on a database, and closes it. */
export async function withStore<T>(location: string, options: Options, use: (store: Store) => Promise<T>): Promise<T> {
  const store = new CompressedKvStore<string, Buffer>(bareLevel(location), { meter: false, ...options })
  await store.open()
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

/** A database that was begun in a store. */
export async function wrapped(options: Options = { codec: 'zstd' }, entries = someEntries()): Promise<string> {
  const location = newLocation()
  await withStore(location, options, store => putAll(store, entries))
  return location
}

/**
 * As a killed process leaves it: held plain values once, the log has what the database lacks.
 *
 * @param more put last
 */
export async function killed(more: readonly (readonly [string, Buffer])[] = []): Promise<string> {
  const source = await bare([['plain', text(3000)]])
  const location = newLocation()
  await withStore(source, { codec: 'zstd', memtable: { flushIntervalMs: Infinity } }, async store => {
    for (const some of [someEntries().slice(0, 15), [...someEntries().slice(15), ...more]]) {
      await putAll(store, some)
      await store.sync()
    }
    cpSync(source, location, { recursive: true })
  })
  return location
}

export const segmentOf = (location: string) => join(location, 'ckv-wal', '000001.wal')

/** Flips a bit of the first frame of a log like that of {@link killed}; the sync behind it vouches for it. */
export function damageLog(location: string): void {
  const bytes = readFileSync(segmentOf(location))
  bytes[100]! ^= 1
  writeFileSync(segmentOf(location), bytes)
}

export async function putAll(store: Store, entries: readonly (readonly [string, Buffer])[]): Promise<void> {
  await store.batch(entries.map(([key, value]) => ({ type: 'put', key, value })))
}

/** 30 values of 100 to 6000 bytes, of which every tenth is no text. */
export function someEntries(): [string, Buffer][] {
  return Array.from({ length: 30 }, (_, i) => {
    const value = Buffer.from(text(100 + i * 200))
    if (i % 10 === 0) value[0] = 0xff
    return [`${i % 2 ? 'user' : 'order'}:${String(i).padStart(3, '0')}`, value]
  })
}

/** Every file of a directory, by name: its digest. */
export function digests(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return Object.fromEntries(
    names
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort()
      .map(path => [path, createHash('sha256').update(readFileSync(path)).digest('hex')])
  )
}
