import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { type Codec, registerCodec } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { logOn } from '../support/logged-store.js'
import { memory, openStore } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { fingerprint } from '../wal/open-log.js'

const VALUES = 10

/** Has another thread do it, and passes the memory on without a copy, which it must not. */
const taking: Codec = {
  id: 220,
  name: 'taking',
  async compress(data) {
    const there = structuredClone(data, { transfer: [data.buffer as ArrayBuffer] })
    await Promise.resolve()
    return deflateRawSync(there)
  },
  decompress: async data => inflateRawSync(data)
}
registerCodec(taking)

test.for([
  ['write-through', 2000],
  ['write-through', 70_000],
  ['write-back', 2000],
  ['write-back', 70_000]
] as const)(
  '%s: a codec that takes away the memory of a value of %i bytes takes no other value',
  async ([mode, bytes]) => {
    const isLogged = mode === 'write-back'
    const wal = isLogged ? logOn(new CrashableFileSystem()) : false
    const { store } = await openStore({ codec: taking, wal, memtable: isLogged }, memory())
    const keys = Array.from({ length: VALUES }, (_, i) => String(i))
    const values = keys.map((_, i) => fingerprint(text(bytes + i)))
    for (const i of keys.keys()) await store.put(keys[i]!, text(bytes + i))
    expect((await store.getMany(keys)).map(fingerprint)).toEqual(values)
    await store.flush()
    expect((await store.getMany(keys)).map(fingerprint)).toEqual(values)
  }
)
