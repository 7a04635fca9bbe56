import { describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { failures } from '../support/failures.js'
import { failing } from '../support/intercept.js'
import { memory } from '../support/memory-store.js'

const SMALL = Buffer.from('small')

describe('a store whose opening fails', () => {
  const whyOpening = new Error('the marker cannot be read')
  const whyClosing = new Error('the backend cannot be closed')

  it('says why, and closes the backend that it opened', async () => {
    const backend = memory()
    const repair = failing(backend, ['_get'], whyOpening)
    const store = new CompressedKvStore(backend)
    await expect(store.open()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN', cause: whyOpening })
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
    repair()
    await store.open()
    await store.put('k', SMALL)
    expect(await store.get('k')).toEqual(SMALL)
  })

  it('says why to iterators that waited for it', async () => {
    const backend = memory()
    failing(backend, ['_get'], whyOpening)
    const store = new CompressedKvStore(backend)
    const errors = await failures([store.iterator().next(), store.keys().all(), store.values().nextv(2)])
    const expected = { code: 'LEVEL_ITERATOR_NOT_OPEN', cause: whyOpening }
    expect(errors).toMatchObject([expected, expected, expected])
  })

  it('rejects what was written to a sublevel that waited for it, and nothing else', async () => {
    const backend = memory()
    failing(backend, ['_get'], whyOpening)
    const store = new CompressedKvStore(backend)
    const sublevel = store.sublevel('s')
    const errors = await failures([sublevel.put('k', 'v'), sublevel.batch([{ type: 'del', key: 'k' }])])
    expect(errors).toMatchObject([{ code: 'LEVEL_DATABASE_NOT_OPEN' }, { code: 'LEVEL_DATABASE_NOT_OPEN' }])
  })

  it('says why, also when closing the backend fails as well, and can be opened later', async () => {
    const backend = memory()
    const repairGet = failing(backend, ['_get'], whyOpening)
    const repairClose = failing(backend, ['_close'], whyClosing)
    const store = new CompressedKvStore(backend)
    const error: unknown = await store.open().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    expect((error as Error).cause).toBe(whyOpening)
    expect(store.status).toBe('closed')
    repairGet()
    repairClose()
    await store.open()
    await store.put('k', SMALL)
    expect(await store.get('k')).toEqual(SMALL)
    await store.close()
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
  })
})
