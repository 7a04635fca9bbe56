import { expect, it } from 'vitest'
import { memory, openStore } from '../support/memory-store.js'

it('the memory of one value cannot be transferred, which would take other values along', async () => {
  const backend = memory()
  const { store } = await openStore({ wal: false }, backend)
  for (const key of ['1', '2', '3']) await store.put(key, Buffer.from(`value ${key}`))
  const stored = (await backend.get('2'))! // memory-level hands out what it keeps.
  try {
    structuredClone(stored, { transfer: [stored.buffer as ArrayBuffer] })
  } catch {
    // Node.js 20 ignores what may not be transferred, later ones refuse it.
  }
  expect(await store.keys().all()).toEqual(['1', '2', '3'])
  expect(String(await store.get('1'))).toBe('value 1')
  expect(String(await store.get('3'))).toBe('value 3')
})
