import { Level } from 'level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { failures } from '../support/failures.js'
import { Gate } from '../support/gate.js'
import { failing, intercept, WRITES } from '../support/intercept.js'
import { memory, openStore } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { turns } from '../support/turns.js'
import { HeldCodec } from '../support/user-codecs.js'

const SMALL = Buffer.from('small')

async function microtasks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await undefined
}

describe('two stores over one backend that is not open yet', () => {
  it('the second is refused, and the first goes on', async () => {
    const backend = memory()
    const first = new CompressedKvStore(backend)
    const second = new CompressedKvStore(backend)
    const [one, two] = await Promise.allSettled([first.open(), second.open()])
    expect(two).toMatchObject({ status: 'rejected', reason: { cause: { code: 'LEVEL_LOCKED' } } })
    expect(one.status).toBe('fulfilled')
    expect([first.status, second.status, backend.status]).toEqual(['open', 'closed', 'open'])
    await first.put('k', SMALL)
    expect(await first.get('k')).toEqual(SMALL)
  })

  it('over classic-level as well', async () => {
    const backend = new Level<string, Buffer>(temporaryDirectory(), { valueEncoding: 'buffer' })
    const first = new CompressedKvStore(backend)
    const second = new CompressedKvStore(backend)
    const [one, two] = await Promise.allSettled([first.put('k', SMALL), second.put('k', SMALL)])
    expect([one.status, two.status]).toEqual(['fulfilled', 'rejected'])
    expect(await first.get('k')).toEqual(SMALL)
    await first.close()
  })
})

describe('a store that is closed before it opened', () => {
  it('leaves the backend closed', async () => {
    const backend = memory()
    const store = new CompressedKvStore(backend)
    await store.close()
    await turns()
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
  })

  it('leaves the directory of the backend free', async () => {
    const location = temporaryDirectory()
    const store = new CompressedKvStore(new Level(location))
    await store.close()
    await turns()
    const next = new Level(location)
    await next.open()
    expect(next.status).toBe('open')
    await next.close()
  })

  it('rejects what was deferred, and can be opened later', async () => {
    const store = new CompressedKvStore(memory())
    const put = store.put('k', SMALL)
    const close = store.close()
    await expect(put).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    await close
    await store.open()
    await store.put('k', SMALL)
    expect(await store.get('k')).toEqual(SMALL)
  })
})

describe('the backend is closed while the store opens', () => {
  it.each([
    ['that was open before', true],
    ['that opens with it', false]
  ])('%s: the store is closed as well, at whichever step it was, and can be opened again', async (_, before) => {
    const openOverClosed: number[] = []
    for (let step = 0; step < 60; step++) {
      const backend = memory()
      if (before) await backend.open()
      const store = new CompressedKvStore(backend)
      const opened = store.open()
      const waiting = [store.keys().all(), store.put('k', SMALL)]
      await microtasks(step)
      await Promise.allSettled([backend.close(), opened, ...waiting])
      await turns()
      if (store.status !== backend.status) openOverClosed.push(step)
      await store.close()
      await store.open()
      await store.put('k', SMALL)
      expect(await store.get('k')).toEqual(SMALL)
      await store.close()
    }
    expect(openOverClosed).toEqual([])
  })
})

describe('the store is closed while it opens', () => {
  it.each([0, 1, 2, 3, 5, 8, 13, 21])('after %i microtasks: both end closed', async count => {
    const { store, backend } = await openStore()
    await store.close()
    const opened = store.open()
    await microtasks(count)
    await Promise.allSettled([store.close(), opened])
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
    await store.open()
    await store.close()
  })
})

describe('store and backend are closed together', () => {
  it.each([
    ['store first', ['store', 'backend']],
    ['backend first', ['backend', 'store']],
    ['each twice', ['store', 'backend', 'store', 'backend']]
  ] as const)('%s: neither waits for the other for ever', async (_, order) => {
    const { store, backend } = await openStore()
    await store.put('k', SMALL)
    await Promise.all(order.map(which => (which === 'store' ? store.close() : backend.close())))
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
    await store.open()
    expect(await store.get('k')).toEqual(SMALL)
  })

  it.each([
    ['once', 0],
    ['and closed again', 1]
  ])('while the store is to be opened again, %s: neither waits for the other for ever', async (_, times) => {
    const { store, backend } = await openStore()
    await store.put('k', SMALL)
    const calls = [store.close(), store.open(), ...Array.from({ length: times }, () => store.close()), backend.close()]
    expect(await failures(calls)).toEqual(calls.map(() => undefined))
    await turns()
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
    await store.open()
    expect(await store.get('k')).toEqual(SMALL)
  })

  it('and opened again at once', async () => {
    const { store, backend } = await openStore()
    await store.put('k', SMALL)
    const closed = backend.close()
    const opened = store.open()
    await Promise.all([closed, opened])
    expect(await store.get('k')).toEqual(SMALL)
    expect([store.status, backend.status]).toEqual(['open', 'open'])
  })
})

describe('the backend is closed by the user', () => {
  it('while writes are in flight: each settles, close resolves, the lock is free', async () => {
    const codec = new HeldCodec()
    const { store, backend } = await openStore({ codec })
    await store.put('before', SMALL)
    const gate = new Gate()
    const restore = intercept(backend, WRITES, async ({ proceed }) => {
      await gate.wait()
      return proceed()
    })
    const inBackend = store.put('in the backend', SMALL)
    await gate.reached
    restore()
    const queued = store.put('queued', SMALL)
    const sealing = store.put('sealing', text(5000))
    const clear = store.clear()
    const closed = backend.close()
    const settled = Promise.allSettled([inBackend, queued, sealing, clear])
    gate.open()
    codec.open()
    await closed
    const results = await settled
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected'])
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
    const next = new CompressedKvStore(backend)
    await next.open()
    expect(await next.keys().all()).toEqual(['before', 'in the backend'])
  })
})

describe('an open that fails', () => {
  it('releases the backend for a later one', async () => {
    const { store, backend } = await openStore()
    await store.put('k', SMALL)
    await store.close()
    const repair = intercept(backend, ['_get'], () => Promise.reject(new Error('no')))
    await expect(store.open()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    expect(backend.status).toBe('closed')
    repair()
    await store.open()
    expect(await store.get('k')).toEqual(SMALL)
  })

  it('leaves a backend open that was open before', async () => {
    const backend = memory()
    await backend.open()
    const repair = intercept(backend, ['_get'], () => Promise.reject(new Error('no')))
    const store = new CompressedKvStore(backend)
    await expect(store.open()).rejects.toMatchObject({ cause: { message: 'no' } })
    expect(backend.status).toBe('open')
    repair()
    await store.open()
  })
})

it('a backend that could not be closed with its store closes it later', async () => {
  const { store, backend } = await openStore()
  await store.put('k', SMALL)
  const repair = failing(backend, ['_close'], new Error('not now'))
  await expect(store.close()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_CLOSED' })
  repair()
  await backend.close()
  expect([store.status, backend.status]).toEqual(['closed', 'closed'])
  await store.open()
  expect(await store.get('k')).toEqual(SMALL)
  await store.close()
})

describe('a backend that neither takes a flush nor can be closed', () => {
  it('holds up no write for ever, nor a later close', async () => {
    const { store, backend } = await openStore({ wal: temporaryDirectory(), memtable: { maxBytes: 1 } })
    const broken = new Error('the backend fails')
    await store.put('k', SMALL)
    const repair = failing(backend, [...WRITES, '_close'], broken)
    await expect(store.close()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_CLOSED' })
    repair()
    const calls = [store.put('l', SMALL), store.del('k'), store.clear()]
    for (const failure of await failures(calls)) expect(failure).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    await store.close()
    await store.open()
    expect(await store.get('k')).toEqual(SMALL)
    await store.close()
  })
})
