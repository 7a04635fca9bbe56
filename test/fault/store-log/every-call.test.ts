import { describe, expect, it } from 'vitest'
import type { MemTableOptions } from '../../../src/store/options/memtable-options.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem, FILE_CALLS } from '../../support/faulty-file-system.js'
import { contentsOf, killed, logOn, memoryLevel, openLogged, powerCut, type Store } from '../../support/logged-store.js'
import { BackendDisk, PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise } from '../../support/sample-values.js'

const CODES = ['ENOSPC', 'EMFILE', 'EIO'] as const

/** Flushes when it is told to. */
const LAZY: MemTableOptions = { flushIntervalMs: Infinity }

describe.each<[backend: string, memtable: false | MemTableOptions, permanent: boolean]>([
  ['one that keeps nothing', false, false],
  ['one that keeps nothing, with a MemTable', LAZY, false],
  ['one that keeps what it gets, with a MemTable', LAZY, true]
])('over %s, a file call of the log that fails, from any on', (_, memtable, permanent) => {
  it.each(FILE_CALLS)('%s: all that was acknowledged is there, then and after every later opening', async call => {
    for (let after = 0; ; after++) {
      const disk = new CrashableFileSystem()
      const backend = new BackendDisk()
      const fs = new FaultyFileSystem(disk)
      const code = CODES[after % CODES.length]!
      fs.fail(call, { code, after })
      const open = () => openLogged(logOn(fs, { fsync: 'always' }), levelOn(backend), { memtable })
      const levelOn = (of: BackendDisk) => (permanent ? new PermanentMemoryLevel(of) : memoryLevel())
      const writes = new Writes()
      try {
        for (let session = 0; session < 2; session++) {
          const store = await open().catch(open) // It fails once.
          for (let round = 0; round < 4; round++) await writes.make(store, round)
          await store.close().catch(() => {})
          expect(disk.openHandles).toBe(0)
          const left = session === 0 ? killed(disk) : powerCut(disk, 'none')
          const found = await contentsOf(logOn(left), levelOn(backend.clone()))
          expect(writes.wrongIn(found.map(([key]) => key))).toEqual([])
        }
      } catch (error) {
        throw new Error(`${call} ${after}: ${code}`, { cause: error })
      }
      if ((fs.calls[call] ?? 0) <= after) break
    }
  })
})

/** Puts and deletions of a few keys, and what must be there after them. */
class Writes {
  readonly #present = new Set<string>()
  /** Written, or not: the log can tell neither. */
  readonly #uncertain = new Set<string>()
  #next = 1

  /** Puts made at once, a flush beside them, and deletions: little stays, so that snapshots are short and many. */
  async make(store: Store, round: number): Promise<void> {
    const puts = [40, 300, 700].slice(round % 3).map(bytes => this.#put(store, bytes))
    // With this the log is writing, and with it a segment may be begun.
    if (round % 2 === 1) await new Promise(resolve => process.nextTick(resolve))
    await Promise.allSettled([store.flush(), ...puts])
    for (const key of [...this.#present].slice(0, -3)) await this.#delete(store, key)
    await this.#put(store, 900) // It begins a segment, and behind it may come a snapshot.
    await store.flush().catch(() => {})
  }

  /** Keys that are missing, or there though they must not be. */
  wrongIn(found: readonly string[]): string[] {
    const missing = [...this.#present].filter(key => !found.includes(key))
    return [...missing, ...found.filter(key => !this.#present.has(key))].filter(key => !this.#uncertain.has(key))
  }

  async #put(store: Store, bytes: number): Promise<void> {
    const key = `k${String(this.#next++).padStart(3, '0')}`
    try {
      await store.put(key, noise(bytes))
      this.#present.add(key)
    } catch (error) {
      this.#rejected(key, error)
    }
  }

  async #delete(store: Store, key: string): Promise<void> {
    try {
      await store.del(key)
      this.#present.delete(key)
    } catch (error) {
      this.#rejected(key, error)
    }
  }

  /** What could be undone was. */
  #rejected(key: string, error: unknown): void {
    if ((error as { code?: string }).code === 'LEVEL_IO_ERROR') this.#uncertain.add(key)
  }
}
