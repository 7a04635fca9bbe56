import { ClassicLevel } from 'classic-level'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { Gate } from '../support/gate.js'
import { intercept } from '../support/intercept.js'
import { logOn } from '../support/logged-store.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

/** More than the calls that may be under way take together. */
const GETS = 800
const MODES = ['wal: false', 'memtable: false', 'a MemTable'] as const
const BACKENDS = {
  'memory-level': () => new MemoryLevel(),
  'classic-level': () => new ClassicLevel(temporaryDirectory())
}

function open(mode: (typeof MODES)[number], backend: keyof typeof BACKENDS): CompressedKvStore {
  const wal = mode === 'wal: false' ? false : logOn(new CrashableFileSystem())
  return new CompressedKvStore(BACKENDS[backend](), {
    codec: 'none',
    wal,
    memtable: mode === 'a MemTable' ? {} : false
  })
}

const writes: [string, (store: CompressedKvStore) => Promise<void>][] = [
  ['put', store => store.put('k', 'new')],
  ['del', store => store.del('k')],
  ['batch', store => store.batch([{ type: 'put', key: 'k', value: 'new' }])],
  ['clear', store => store.clear()],
  ['clear with a limit', store => store.clear({ limit: 1 })]
]

describe.each(MODES.flatMap(mode => Object.keys(BACKENDS).map(name => [mode, name] as const)))(
  'with %s over %s gets that wait see nothing of',
  (mode, name) => {
    it.each(writes)('a %s called after them', async (_, write) => {
      await using store = open(mode, name as keyof typeof BACKENDS)
      for (let round = 0; round < 5; round++) {
        await store.put('k', 'old')
        await store.flush()
        const gets = Array.from({ length: GETS }, () => store.get('k'))
        const written = Promise.all([write(store), store.flush()])
        expect(new Set(await Promise.all(gets))).toEqual(new Set(['old']))
        await written
      }
    })

    it('a del or put called after, where they ask whether a key is there', async () => {
      await using store = open(mode, name as keyof typeof BACKENDS)
      await store.put('k', 'old')
      await store.flush()
      const there = Array.from({ length: GETS }, () => store.has('k'))
      const deleted = Promise.all([store.del('k'), store.flush()])
      expect(new Set(await Promise.all(there))).toEqual(new Set([true]))
      await deleted
      const gone = Array.from({ length: GETS }, () => store.has('k'))
      const written = Promise.all([store.put('k', 'new'), store.flush()])
      expect(new Set(await Promise.all(gone))).toEqual(new Set([false]))
      await written
    })

    it.each(writes)('a %s called after them and done before the first is answered', async (_, write) => {
      await using store = open(mode, name as keyof typeof BACKENDS)
      await store.put('k', 'old')
      await store.flush()
      const gate = new Gate()
      intercept(store.backend, ['_get', '_getMany'], async ({ proceed }) => {
        const found = await proceed()
        await gate.wait()
        return found
      })
      const gets = Array.from({ length: GETS }, () => store.get('k'))
      await Promise.all([write(store), store.flush()])
      gate.open()
      expect(new Set(await Promise.all(gets))).toEqual(new Set(['old']))
    })
  }
)
