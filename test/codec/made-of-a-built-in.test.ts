import { describe, expect, it } from 'vitest'
import { type Codec, lz4, Record, registerCodec, Wal, zstd } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { openStore } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { DIRECTORY, fingerprint, fingerprints, openLog } from '../wal/open-log.js'

function masked(bytes: Uint8Array): Uint8Array {
  return bytes.map(byte => byte ^ 0x5a)
}

/** One that hides what a codec of this library wrote, in everything else like it. */
function maskedForm(codec: Codec, id: number): Codec {
  const mine: Codec = {
    ...codec,
    id,
    name: `masked ${codec.name}`,
    compress: async data => masked(await codec.compress(data)),
    decompress: (data, rawLength) => codec.decompress(masked(data), rawLength),
    compressSync: data => masked(codec.compressSync!(data)),
    decompressSync: (data, rawLength) => codec.decompressSync!(masked(data), rawLength)
  }
  registerCodec(mine)
  return mine
}

describe.each([
  ['lz4', maskedForm(lz4(), 210)],
  ['zstd', maskedForm(zstd(), 211)]
])('a codec made of %s, with functions of its own in place of some', (_, codec) => {
  it.each([5000, 70_000])('writes and reads values of %i bytes by those', async length => {
    const value = text(length)
    const { store } = await openStore({ codec })
    await store.put('k', value)
    expect(fingerprint(store.getSync('k'))).toBe(fingerprint(value))
    expect(fingerprint(await store.get('k'))).toBe(fingerprint(value))
  })

  it('compresses records of a log, and its frames, which recovery reads', async () => {
    const fs = new CrashableFileSystem()
    const { wal } = await openLog({ fs, codec })
    await wal.append(Record.put('1', text(5000)))
    await wal.append(Record.put('2', text(5000), { codec }))
    const written = await fingerprints(wal.read({}))
    expect(written).toEqual(Array(2).fill(fingerprint(text(5000))))
    await wal.close()
    const opened = await Wal.open({ dir: DIRECTORY, meter: false, fs })
    expect(opened.recovery.records).toBe(2)
    expect(await fingerprints(opened.wal.read({}))).toEqual(written)
    await opened.wal.close()
  })
})
