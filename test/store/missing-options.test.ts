import { CompressedKvStore, tensor, Wal } from 'compressed-kv'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'

const INVALID = { name: 'CompressedKvError', code: 'CKV_INVALID_OPTION' }

describe('who forgets options is told which', () => {
  it('of tensor()', () => {
    expect(() => tensor(undefined as never)).toThrow(expect.objectContaining(INVALID))
    expect(() => tensor({} as never)).toThrow(/dtype must be one of bf16, .*, not undefined$/)
  })

  it('of a log', async () => {
    await expect(Wal.open(undefined as never)).rejects.toMatchObject(INVALID)
  })

  it('and onStored is a function, or nothing is written', async () => {
    const store = new CompressedKvStore(new MemoryLevel())
    await expect(store.put('k', 'v', { onStored: 5 as never })).rejects.toMatchObject(INVALID)
    expect(await store.get('k')).toBeUndefined()
    await store.close()
  })
})
