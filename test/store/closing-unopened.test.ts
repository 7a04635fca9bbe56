import { Level } from 'level'
import { describe, expect, it, vi } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { failures } from '../support/failures.js'
import { memory } from '../support/memory-store.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { turns } from '../support/turns.js'

const SMALL = Buffer.from('small')

const orders = [
  ['the store', ['store']],
  ['the backend', ['backend']],
  ['the store, then the backend', ['store', 'backend']],
  ['the backend, then the store', ['backend', 'store']],
  ['each twice', ['backend', 'store', 'backend', 'store']]
] as const

describe.each(orders)('closing %s in the turn in which the store was made', (_, order) => {
  it('leaves both closed', async () => {
    const backend = memory()
    const store = new CompressedKvStore(backend)
    await Promise.all(order.map(which => (which === 'store' ? store.close() : backend.close())))
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
    await turns()
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
  })

  it('leaves the directory of the backend free', async () => {
    const location = temporaryDirectory()
    const backend = new Level<string, Buffer>(location, { valueEncoding: 'buffer' })
    const store = new CompressedKvStore(backend)
    await Promise.all(order.map(which => (which === 'store' ? store.close() : backend.close())))
    await turns()
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
    const next = new Level(location)
    await next.open()
    expect(next.status).toBe('open')
    await next.close()
  })

  it('leaves a store that can be opened, and closed for good', async () => {
    const backend = memory()
    const store = new CompressedKvStore(backend)
    await Promise.all(order.map(which => (which === 'store' ? store.close() : backend.close())))
    await store.open()
    await store.put('k', SMALL)
    expect(await store.get('k')).toEqual(SMALL)
    await backend.close()
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
    await store.open()
    expect(await store.get('k')).toEqual(SMALL)
    await store.close()
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
  })

  it('rejects what was deferred', async () => {
    const backend = memory()
    const store = new CompressedKvStore(backend)
    const deferred = [store.put('k', SMALL), store.get('k')]
    const closes = order.map(which => (which === 'store' ? store.close() : backend.close()))
    for (const failure of await failures(deferred)) expect(failure).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    await Promise.all(closes)
  })
})

it('closing a store that never opened closes a backend that was open before', async () => {
  const backend = memory()
  await backend.open()
  const store = new CompressedKvStore(backend)
  await store.close()
  await turns()
  expect([store.status, backend.status]).toEqual(['closed', 'closed'])
})

it('stores that cannot be opened are not kept by a backend that stays open', async () => {
  const backend = memory()
  await new CompressedKvStore(backend).open()
  const attach = vi.spyOn(backend, 'attachResource')
  const detach = vi.spyOn(backend, 'detachResource')
  for (let i = 0; i < 3; i++) {
    const store = new CompressedKvStore(backend)
    await expect(store.open()).rejects.toMatchObject({ cause: { code: 'LEVEL_LOCKED' } })
  }
  const detached = detach.mock.calls.map(([resource]) => resource)
  expect(attach.mock.calls.map(([resource]) => resource).filter(resource => !detached.includes(resource))).toEqual([])
  expect(attach).toHaveBeenCalledTimes(3)
})
