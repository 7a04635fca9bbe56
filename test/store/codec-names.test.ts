import { describe, expect, it } from 'vitest'
import { registerCodec } from '../../src/index.js'
import { openStore } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { deflate } from '../support/user-codecs.js'

describe.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])('a codec named %s', name => {
  it('is counted under its name, and leaves Object alone', async () => {
    const codec = { ...deflate, id: 241, name }
    registerCodec(codec)
    const onObject = Object.getOwnPropertyDescriptors(Object)
    const onPrototype = Object.getOwnPropertyDescriptors(Object.prototype)
    const { store } = await openStore({ codec })
    await store.put('k', text(5000))
    await store.put('l', text(5000))
    const { byCodec, ...total } = store.stats().written
    expect(Object.keys(byCodec)).toEqual([name])
    const { value: counted } = Object.getOwnPropertyDescriptor(byCodec, name) as { value: unknown }
    expect(counted).toEqual({ ...total, values: 2, bytesIn: 10_000 })
    expect(Object.getOwnPropertyDescriptors(Object)).toEqual(onObject)
    expect(Object.getOwnPropertyDescriptors(Object.prototype)).toEqual(onPrototype)
    expect((await store.get('k'))?.equals(text(5000))).toBe(true)
  })

  it('does not show where it was not used', async () => {
    const { store } = await openStore()
    await store.put('k', text(5000))
    expect(Object.keys(store.stats().written.byCodec)).toEqual(['lz4'])
  })

  it('is no name that an option may say', async () => {
    await expect(openStore({ codec: name as 'lz4' })).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
  })
})
