import { setImmediate as nextTurn } from 'node:timers/promises'
import { ClassicLevel } from 'classic-level'
import { describe, expect, it, vi } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { EVENTUALLY } from '../support/eventually.js'
import { type Backend, memory, storedValue, type StoreOptions } from '../support/memory-store.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const text = (length: number) => Buffer.from('compressible '.repeat(length).slice(0, length))

/** Below `minSize`, compressed on the calling thread, compressed off it. */
const values = { tiny: text(10), small: text(5000), large: text(200_000) }

const modes: Record<string, () => { backend: Backend; options: StoreOptions }> = {
  'write-through': () => ({ backend: memory(), options: {} }),
  logged: () => ({ backend: onDisk(), options: { memtable: false } }),
  'write-back': () => ({ backend: onDisk(), options: {} })
}

function onDisk(): Backend {
  const level: unknown = new ClassicLevel(temporaryDirectory(), { valueEncoding: 'buffer' })
  return level as Backend
}

function refuse(): never {
  throw new Error('no')
}

describe.each(Object.entries(modes))('onStored, %s', (_, mode) => {
  it('is told before the write resolves what the backend stores in the end', async () => {
    const { backend, options } = mode()
    const store = new CompressedKvStore(backend, options)
    const told = new Map<string, number>()
    const telling = (name: string) => ({ onStored: (bytes: number) => void told.set(name, bytes) })
    for (const [name, value] of Object.entries(values)) {
      await store.put(name, value, telling(name))
      expect(told.has(name)).toBe(true)
    }
    const sublevel = store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' })
    await sublevel.batch(
      Object.entries(values).map(([key, value]) => ({ type: 'put', key, value, ...telling(`!sub!${key}`) }))
    )
    const chained = store.batch()
    for (const [name, value] of Object.entries(values)) chained.put(`c${name}`, value, telling(`c${name}`))
    await chained.write()
    expect(told.size).toBe(9)
    await store.flush()
    for (const [key, bytes] of told) expect(await storedValue(backend, key)).toHaveLength(bytes)
    await store.close()
  })

  it('rejects the write if it throws, and nothing of its batch is there', async () => {
    const store = new CompressedKvStore(mode().backend, mode().options)
    for (const value of Object.values(values)) {
      await expect(store.put('key', value, { onStored: refuse })).rejects.toThrow('no')
      const batch = [
        { type: 'put', key: 'other', value } as const,
        { type: 'put', key: 'key', value, onStored: refuse } as const
      ]
      await expect(store.batch(batch)).rejects.toThrow('no')
    }
    await store.flush()
    expect(await store.keys().all()).toEqual([])
    await store.close()
  })

  it('may throw after another operation of its batch was refused, which rejects nothing but the batch', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown) => void unhandled.push(error)
    process.on('unhandledRejection', note)
    const { backend, options } = mode()
    const store = new CompressedKvStore(backend, options)
    const onStored = vi.fn<() => never>(refuse)
    const batch = [
      { type: 'put', key: 'key', value: values.large, onStored } as const,
      { type: 'put', key: 'other', value: values.small, ttl: -1 } as const
    ]
    await expect(store.batch(batch)).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
    await vi.waitFor(() => expect(onStored).toHaveBeenCalled(), EVENTUALLY)
    await nextTurn()
    expect(unhandled).toEqual([])
    process.off('unhandledRejection', note)
    expect(await store.keys().all()).toEqual([])
    await store.close()
  })
})
