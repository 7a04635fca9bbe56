import { describe, expect, it } from 'vitest'
import { openStore, type Store, type StoreOptions } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { deflate } from '../support/user-codecs.js'

const VALUE = text(5000)

/** Names of the codecs that the values were stored with, in the order of `write`'s calls. */
async function chosen(codec: StoreOptions['codec'], writes: ((store: Store) => Promise<void>)[]): Promise<string[]> {
  const { store } = await openStore(codec === undefined ? {} : { codec })
  const names: string[] = []
  for (const write of writes) {
    const before = store.stats().written.byCodec
    await write(store)
    const after = store.stats().written.byCodec
    for (const [name, { values }] of Object.entries(after)) {
      for (let i = before[name]?.values ?? 0; i < values; i++) names.push(name)
    }
  }
  for await (const [, value] of store.iterator()) expect(value.equals(VALUE)).toBe(true)
  return names
}

const put =
  (key: string, options: { codec?: 'none' | 'lz4' | 'zstd' | typeof deflate } = {}) =>
  (store: Store) =>
    store.put(key, VALUE, options)

/** Writes in the sublevel 'b' of the sublevel 'a'. */
const inSublevel = (write: (sub: Store) => Promise<void>) => async (store: Store) => {
  const sub = store.sublevel('a').sublevel<string, Buffer>('b', { valueEncoding: 'buffer' })
  await sub.open()
  await write(sub as unknown as Store)
}

/** Puts under 'k' in a sublevel, by its path. */
const at =
  (...path: string[]) =>
  async (store: Store) => {
    let level: Store = store
    for (const name of path) {
      level = level.sublevel<string, Buffer>(name, { valueEncoding: 'buffer' }) as unknown as Store
    }
    await level.open()
    await level.put('k', VALUE)
  }

const bySize = (_: Buffer, value: Buffer) => (value.length === VALUE.length ? deflate : 'none')

const never = () => {
  throw new Error('asked')
}

describe('the codec of a write', () => {
  it('is lz4 unless something else is said', async () => {
    expect(await chosen(undefined, [put('k')])).toEqual(['lz4'])
  })

  it.each(['none', 'lz4', 'zstd', deflate] as const)('is that of the store: %j', async codec => {
    expect(await chosen(codec, [put('k')])).toEqual([typeof codec === 'string' ? codec : codec.name])
  })

  it('may be named for one put', async () => {
    expect(
      await chosen('lz4', [put('a', { codec: 'zstd' }), put('b', { codec: deflate }), put('c', { codec: 'none' })])
    ).toEqual(['zstd', 'deflate', 'none'])
  })

  it('may be named for a batch and for one of its operations, which wins', async () => {
    expect(
      await chosen('none', [
        store =>
          store.batch(
            [
              { type: 'put', key: 'a', value: VALUE },
              { type: 'put', key: 'b', value: VALUE, codec: deflate }
            ],
            { codec: 'zstd' }
          ),
        store => store.batch().put('c', VALUE).put('d', VALUE, { codec: 'lz4' }).write({ codec: 'zstd' })
      ])
    ).toEqual(['zstd', 'deflate', 'zstd', 'lz4'])
  })

  it('may be named through sublevels', async () => {
    expect(
      await chosen('none', [
        inSublevel(put('k', { codec: 'zstd' })),
        inSublevel(sub => sub.batch([{ type: 'put', key: 'l', value: VALUE, codec: 'lz4' }])),
        inSublevel(sub => sub.batch([{ type: 'put', key: 'm', value: VALUE }], { codec: deflate })),
        inSublevel(sub => sub.batch().put('n', VALUE, { codec: 'zstd' }).write()),
        inSublevel(sub => sub.batch().put('o', VALUE).write({ codec: 'lz4' }))
      ])
    ).toEqual(['zstd', 'lz4', 'deflate', 'zstd', 'lz4'])
  })

  it.each(['gzip', 5, {}, null, 'toString'])('is refused if it is none: %s', async codec => {
    const { store } = await openStore()
    const bad = { codec: codec as 'lz4' }
    const refused = { code: 'CKV_INVALID_OPTION' }
    await expect(store.put('k', VALUE, bad)).rejects.toMatchObject(refused)
    await expect(store.batch([{ type: 'put', key: 'k', value: VALUE, ...bad }])).rejects.toMatchObject(refused)
    await expect(store.batch().put('k', VALUE).write(bad)).rejects.toMatchObject(refused)
    expect(await store.has('k')).toBe(false)
  })
})

describe('rules', () => {
  it('the first that matches the key wins; no match is lz4', async () => {
    const rules = [
      { prefix: 'ab', codec: deflate },
      { prefix: 'a', codec: 'zstd' as const },
      { prefix: Buffer.from('ü'), codec: 'none' as const }
    ]
    expect(
      await chosen(
        rules,
        ['abc', 'ab', 'a', 'b', 'ü', ''].map(key => put(key))
      )
    ).toEqual(['deflate', 'deflate', 'zstd', 'lz4', 'none', 'lz4'])
  })

  it('one without prefix and sublevel matches every key', async () => {
    expect(await chosen([{ prefix: 'a', codec: 'none' }, { codec: 'zstd' }], [put('a'), put('b')])).toEqual([
      'none',
      'zstd'
    ])
  })

  it('match sublevels by name and by path, and what is nested in them', async () => {
    const rules = [
      { sublevel: ['a', 'inner'], codec: deflate },
      { sublevel: 'a', codec: 'zstd' as const }
    ]
    expect(
      await chosen(rules, [at('a'), at('a', 'inner'), at('a', 'other'), at('a', 'inner', 'deep'), at('b'), at('ab')])
    ).toEqual(['zstd', 'deflate', 'zstd', 'deflate', 'lz4', 'lz4'])
  })
})

describe('a rule', () => {
  it('may have a selector, which sees key and value', async () => {
    const rules = [{ prefix: 'a', codec: (key: Buffer) => (String(key) === 'ab' ? deflate : ('zstd' as const)) }]
    expect(await chosen(rules, [put('a'), put('ab'), put('b')])).toEqual(['zstd', 'deflate', 'lz4'])
  })

  it.each([5, /^a/, {}])('with a prefix that is neither text nor bytes is refused: %s', async prefix => {
    const rules = [{ prefix: prefix as unknown as string, codec: 'zstd' as const }]
    await expect(openStore({ codec: rules })).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
  })
})

describe('a selector', () => {
  it('sees the encoded key and value, prefix included, and answers a codec or its name', async () => {
    const seen: string[] = []
    const names = await chosen(
      (key, value) => {
        seen.push(`${String(key)} ${value.length}`)
        return value.length > 10 && String(key).endsWith('z') ? 'zstd' : deflate
      },
      [
        put('a'),
        put('z'),
        async store => {
          const sub = store.sublevel<string, Buffer>('s', { valueEncoding: 'buffer' })
          await sub.open()
          await sub.put('z', VALUE)
        }
      ]
    )
    expect(names).toEqual(['deflate', 'zstd', 'zstd'])
    expect(seen).toEqual(['a 5000', 'z 5000', '!s!z 5000'])
  })

  it('is not asked where the call names a codec', async () => {
    expect(await chosen(never, [put('k', { codec: 'zstd' })])).toEqual(['zstd'])
  })

  it('may be named for one call, where it sees key and value', async () => {
    expect(
      await chosen('lz4', [
        store => store.put('k', VALUE, { codec: bySize }),
        store => store.batch([{ type: 'put', key: 'l', value: VALUE }], { codec: bySize })
      ])
    ).toEqual(['deflate', 'deflate'])
  })

  it('that throws rejects the call that names it', async () => {
    const { store } = await openStore()
    await expect(store.put('k', VALUE, { codec: never })).rejects.toThrow('asked')
    expect(await store.has('k')).toBe(false)
  })

  it('that says what it may choose opens only if that loads', async () => {
    const select = Object.assign(() => 'lz4' as const, { codecs: ['gzip' as 'lz4'] })
    await expect(openStore({ codec: select })).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
  })

  it.each(['lz4', 5, null, {}])('that says something else than a list is refused: %j', async codecs => {
    const select = Object.assign(() => 'lz4' as const, { codecs: codecs as unknown as 'lz4'[] })
    await expect(openStore({ codec: select })).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
  })
})
