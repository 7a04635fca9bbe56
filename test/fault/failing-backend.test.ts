import { describe, expect, it } from 'vitest'
import { Gate } from '../support/gate.js'
import { failing, intercept, WRITES } from '../support/intercept.js'
import { openStore, storedEntries } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { turns } from '../support/turns.js'
import { HeldCodec } from '../support/user-codecs.js'

const SMALL = Buffer.from('small')
const broken = new Error('the disk is full')

/** How each promise ended: the message of its error, or 'ok'. */
async function outcomes(promises: Promise<unknown>[]): Promise<string[]> {
  const results = await Promise.allSettled(promises)
  return results.map(result => (result.status === 'fulfilled' ? 'ok' : (result.reason as Error).message))
}

describe('a backend that rejects a write', () => {
  it('rejects exactly the writer, and the store goes on', async () => {
    const { store, backend } = await openStore()
    const repair = failing(backend, WRITES, broken)
    expect(await outcomes([store.put('a', SMALL), store.del('b'), store.batch([{ type: 'del', key: 'c' }])])).toEqual([
      broken.message,
      broken.message,
      broken.message
    ])
    repair()
    await store.put('a', SMALL)
    expect(await store.keys().all()).toEqual(['a'])
    expect(store.stats().writes.pending).toBe(0)
    await store.close()
  })

  it('for one operation does not fail the others that went with it', async () => {
    const { store, backend } = await openStore()
    backend.hooks.prewrite.add(operation => {
      if (String(operation.key) === 'bad') throw broken
    })
    const writes = [
      store.put('a', SMALL),
      store.put('bad', SMALL),
      store.put('b', SMALL),
      store.batch([
        { type: 'put', key: 'c', value: SMALL },
        { type: 'put', key: 'bad', value: SMALL }
      ]),
      store.del('a'),
      store.put('d', SMALL)
    ]
    const results = await Promise.allSettled(writes)
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled'
    ])
    expect((results[1] as PromiseRejectedResult).reason).toMatchObject({ code: 'LEVEL_HOOK_ERROR', cause: broken })
    expect(await store.keys().all()).toEqual(['b', 'd'])
  })

  it('lets the others hear as soon as it has theirs, in their order', async () => {
    const { store, backend } = await openStore()
    await store.put('marked', SMALL)
    const gate = new Gate()
    intercept(backend, WRITES, async ({ method, args, proceed }) => {
      if (method === '_batch') throw broken
      if (String(args[0]) === 'last') await gate.wait()
      return proceed()
    })
    const heard: string[] = []
    const writes = ['a', 'b', 'last'].map(key => store.put(key, SMALL).then(() => heard.push(key)))
    await gate.reached
    await turns()
    expect(heard).toEqual(['a', 'b'])
    gate.open()
    await Promise.all(writes)
    await store.close()
  })

  it('after having applied it leaves the order of the group', async () => {
    const { store, backend } = await openStore()
    let times = 0
    intercept(backend, WRITES, async ({ proceed }) => {
      await proceed()
      if (times++ === 0) throw broken
    })
    await Promise.all([store.put('k', SMALL), store.del('k'), store.put('k', Buffer.from('last'))])
    expect(String(await store.get('k'))).toBe('last')
  })

  it('together with the marker writes the marker with the next value', async () => {
    const { store, backend } = await openStore()
    const repair = failing(backend, WRITES, broken)
    expect(await outcomes([store.put('k', SMALL), store.put('k', SMALL, { ttl: 1000 })])).toEqual([
      broken.message,
      broken.message
    ])
    repair()
    expect(await storedEntries(backend)).toEqual([])
    await store.put('k', SMALL)
    expect((await storedEntries(backend)).length).toBe(2)
  })

  it('lets the writes that wait for it go on', async () => {
    const codec = new HeldCodec()
    const { store, backend } = await openStore({ codec })
    const repair = failing(backend, WRITES, broken)
    const first = store.put('k', text(5000))
    const rest = [store.put('k', SMALL), store.clear(), store.flush()]
    codec.open()
    expect(await outcomes([first])).toEqual([broken.message])
    repair()
    await Promise.allSettled(rest)
    await store.put('k', SMALL)
    expect(await store.get('k')).toEqual(SMALL)
    await store.close()
  })

  it('does not keep the store from closing', async () => {
    const { store, backend } = await openStore()
    failing(backend, WRITES, broken)
    const put = store.put('k', SMALL)
    const close = store.close()
    expect(await outcomes([put, close])).toEqual([broken.message, 'ok'])
    expect(backend.status).toBe('closed')
  })
})

describe('a backend that writes, fails, and is closed', () => {
  it('rejects each writer with its own error, which leaves open whether the write is there', async () => {
    const { store, backend } = await openStore()
    await store.put('first', SMALL)
    intercept(backend, ['_batch'], async ({ proceed }) => {
      await proceed()
      void backend.close()
      throw broken
    })
    expect(await outcomes([store.put('a', SMALL), store.put('b', SMALL)])).toEqual([broken.message, broken.message])
    await store.close()
    await backend.open()
    expect(await backend.get('a')).toBeDefined()
  })
})

describe('a backend that rejects a clear', () => {
  it('rejects the clear, and the writes behind it go on', async () => {
    const { store, backend } = await openStore()
    await store.put('a', SMALL)
    const repair = failing(backend, ['_clear'], broken)
    expect(await outcomes([store.clear(), store.put('b', SMALL)])).toEqual([broken.message, 'ok'])
    repair()
    await store.clear()
    expect(await store.keys().all()).toEqual([])
  })

  it('in the middle leaves no deleted value in the cache', async () => {
    const { store, backend } = await openStore({ cacheBytes: 1 << 20 })
    await store.put('k', SMALL)
    const gate = new Gate()
    intercept(backend, ['_clear'], async ({ proceed }) => {
      await gate.wait()
      await proceed()
      throw broken
    })
    const clear = store.clear()
    await gate.reached
    expect(await store.get('k')).toEqual(SMALL)
    gate.open()
    expect(await outcomes([clear])).toEqual([broken.message])
    expect(await backend.get('k')).toBeUndefined()
    expect(await store.get('k')).toBeUndefined()
  })
})

/** An iterator over 'k' whose backend fails in its second call. The store's own entry comes with 'k', and is left out. */
async function failingIterator() {
  const { store, backend } = await openStore()
  await store.put('k', SMALL)
  let calls = 0
  const repair = intercept(backend, ['_iterator'], ({ proceed }) => {
    const made = proceed() as unknown as { _nextv: (...args: unknown[]) => Promise<unknown> }
    const nextv = made._nextv.bind(made)
    made._nextv = (...args) => (++calls === 2 ? Promise.reject(broken) : nextv(...args))
    return made as unknown as Promise<unknown>
  })
  const iterator = store.iterator()
  repair()
  return iterator
}

describe('a backend that rejects a read', () => {
  it('rejects the read alone', async () => {
    const { store, backend } = await openStore({ cacheBytes: 1 << 20 })
    await store.put('k', SMALL)
    const repair = failing(backend, ['_get', '_getMany', '_has', '_hasMany'], broken)
    expect(await outcomes([store.get('k'), store.getMany(['k']), store.has('k'), store.hasMany(['k'])])).toEqual(
      Array.from({ length: 4 }, () => broken.message)
    )
    repair()
    expect(await store.get('k')).toEqual(SMALL)
    expect(await store.has('k')).toBe(true)
  })

  it('of an iterator does not lose the entries that came before', async () => {
    const iterator = await failingIterator()
    const found: unknown[] = []
    const errors: unknown[] = []
    for (let some: unknown[] | undefined; some?.length !== 0;) {
      some = await iterator.nextv(10).catch((error: unknown) => void errors.push(error))
      found.push(...(some ?? []))
    }
    await iterator.close()
    expect(found).toEqual([['k', SMALL]])
    expect(errors).toEqual([broken])
  })

  it('of an iterator that is sought anew is none of what it reads there', async () => {
    const iterator = await failingIterator()
    expect(await iterator.nextv(10)).toEqual([['k', SMALL]])
    iterator.seek('a')
    expect(await iterator.nextv(10)).toEqual([['k', SMALL]])
    await iterator.close()
  })
})

describe('a backend that is slow', () => {
  it('gets one write at a time, in order', async () => {
    const { store, backend } = await openStore()
    let running = 0
    let most = 0
    intercept(backend, WRITES, async ({ proceed }) => {
      most = Math.max(most, ++running)
      await turns(1)
      await proceed()
      running--
    })
    const writes: Promise<void>[] = []
    for (let i = 0; i < 50; i++) {
      writes.push(store.put('k', Buffer.from(String(i))))
      if (i % 10 === 0) await turns(1)
    }
    await Promise.all(writes)
    expect(most).toBe(1)
    expect(String(await store.get('k'))).toBe('49')
  })
})

describe('a backend that fails to close', () => {
  it('leaves the store open, and it can be closed later', async () => {
    const { store, backend } = await openStore()
    const repair = failing(backend, ['_close'], broken)
    await expect(store.close()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_CLOSED' })
    expect(store.status).toBe('open')
    await store.put('k', SMALL)
    repair()
    await store.close()
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
  })
})
