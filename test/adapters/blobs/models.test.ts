import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BlobStore } from 'compressed-kv/blobs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failures } from '../../support/failures.js'
import type { Store } from '../../support/logged-store.js'
import { noise } from '../../support/sample-values.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { blobsIn, bytesOf, CHUNK, keyCounts, MODES } from './blob-stores.js'

const MODEL = 'tiny@1'
const MISMATCH = { code: 'CKV_MODEL_MISMATCH' }

let store: Store
let blobs: BlobStore
let directory: string

beforeEach(async () => {
  store = await MODES['write-back']!()
  blobs = blobsIn(store)
  directory = temporaryDirectory()
})

afterEach(() => store.close())

/** Made as llama.cpp makes it: magic, version, token count, tokens, and what the model makes of them. */
function stateFile(magic: string, version: number, tokens: number): Buffer {
  const header = Buffer.alloc(12 + 4 * tokens)
  // A u32, little-endian: the letters stand in the file from the last to the first.
  header.set(Buffer.from(magic).toReversed())
  header.writeUInt32LE(version, 4)
  header.writeUInt32LE(tokens, 8)
  return Buffer.concat([header, noise(5 * CHUNK + 3)])
}

describe('a state file', () => {
  it.each([
    ['ggsn', 9, 'session'],
    ['ggsq', 3, 'sequence']
  ])('%s of version %i goes in and comes out byte for byte, and is recognised', async (magic, version, kind) => {
    const state = stateFile(magic, version, 70)
    writeFileSync(join(directory, 'in'), state)
    const stat = await blobs.putFile('chat', join(directory, 'in'), { model: MODEL, metadata: { user: '7' } })
    expect(stat).toMatchObject({ model: MODEL, metadata: { user: '7' }, llamaState: { kind, version, tokens: 70 } })
    expect(await blobs.statBlob('chat')).toEqual(stat)
    expect(await blobs.getFile('chat', join(directory, 'out'), { model: MODEL })).toEqual(stat)
    expect(readFileSync(join(directory, 'out')).equals(state)).toBe(true)
    expect(readdirSync(directory).sort()).toEqual(['in', 'out'])
  })

  it.each([
    ['other bytes', noise(100)],
    ['fewer bytes than a header', stateFile('ggsn', 9, 0).subarray(0, 11)],
    ['more tokens than there is room for', stateFile('ggsn', 9, 2).subarray(0, 19)],
    ['version 0', stateFile('ggsn', 0, 1)]
  ])('is not seen in %s', async (_, bytes) => {
    expect((await blobs.putBlob('k', bytes)).llamaState).toBeUndefined()
  })
})

describe('a blob', () => {
  const asked = [undefined, MODEL, 'tiny@2']

  it.each(asked)('that was put for model %s is given to callers that ask for that model', async model => {
    await blobs.putBlob('k', noise(2 * CHUNK), { model })
    expect((await bytesOf(await blobs.getBlob('k', { model }))).equals(noise(2 * CHUNK))).toBe(true)
    expect(await blobs.getFile('k', join(directory, 'out'), { model })).toMatchObject({ model })
    expect(readFileSync(join(directory, 'out')).equals(noise(2 * CHUNK))).toBe(true)
  })

  it.each(asked.flatMap(stored => asked.filter(other => other !== stored).map(other => [stored, other] as const)))(
    'put for model %s is refused to who asks for %s, before a byte is written',
    async (stored, model) => {
      await blobs.putBlob('k', noise(2 * CHUNK), { model: stored })
      const path = join(directory, 'out')
      writeFileSync(path, 'before')
      await expect(blobs.getBlob('k', { model })).rejects.toMatchObject(MISMATCH)
      await expect(blobs.getFile('k', path, { model })).rejects.toMatchObject(MISMATCH)
      expect(readFileSync(path, 'utf8')).toBe('before')
      expect(readdirSync(directory)).toEqual(['out'])
    }
  )
})

describe('getFile', () => {
  it('of a blob that is not there resolves with undefined and touches no file', async () => {
    expect(await blobs.getFile('k', join(directory, 'out'))).toBeUndefined()
    expect(readdirSync(directory)).toEqual([])
  })

  it('into a directory that is not there, and putFile of a file that is not there, reject with the error of the file system', async () => {
    await blobs.putBlob('k', noise(10))
    await expect(blobs.getFile('k', join(directory, 'no', 'out'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(blobs.putFile('k', join(directory, 'nothing'))).rejects.toMatchObject({ code: 'ENOENT' })
    expect((await bytesOf(await blobs.getBlob('k'))).equals(noise(10))).toBe(true)
  })

  it('that is aborted leaves no file', async () => {
    await blobs.putBlob('k', noise(3 * CHUNK))
    const controller = new AbortController()
    const getting = blobs.getFile('k', join(directory, 'out'), { signal: controller.signal })
    controller.abort(new Error('given up'))
    await expect(getting).rejects.toThrow('given up')
    expect(existsSync(join(directory, 'out'))).toBe(false)
    expect(readdirSync(directory)).toEqual([])
  })

  it('of an empty blob makes an empty file', async () => {
    writeFileSync(join(directory, 'in'), '')
    await blobs.putFile('k', join(directory, 'in'))
    await blobs.getFile('k', join(directory, 'out'))
    expect(readFileSync(join(directory, 'out')).length).toBe(0)
  })
})

describe('a read that fails, or is refused,', () => {
  it('keeps no chunks of a blob that is deleted then', async () => {
    await blobs.putBlob('k', noise(3 * CHUNK))
    const aborted = new AbortController()
    const calls = [
      blobs.getBlob('k', { start: -1 }),
      blobs.getBlob('k', { model: MODEL }),
      blobs.getBlob('k', { signal: aborted.signal }),
      blobs.getFile('k', join(directory, 'out'), { model: MODEL }),
      blobs.getFile('k', join(directory, 'no', 'out'))
    ]
    aborted.abort()
    for (const error of await failures(calls)) expect(error).toBeInstanceOf(Error)
    await blobs.getFile('k', join(directory, 'out'))
    expect(await blobs.deleteBlob('k')).toBe(true)
    expect(await keyCounts(store)).toEqual({ m: 0, c: 0, g: 0 })
  })
})

describe('a stream', () => {
  it('that is aborted fails with an AbortError', async () => {
    await blobs.putBlob('k', noise(3 * CHUNK))
    const controller = new AbortController()
    const stream = await blobs.getBlob('k', { signal: controller.signal })
    controller.abort()
    await expect(bytesOf(stream)).rejects.toMatchObject({ name: 'AbortError' })
    await expect(blobs.getBlob('k', { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('that is aborted before the caller has it is never made', async () => {
    await blobs.putBlob('k', noise(3 * CHUNK))
    const controller = new AbortController()
    const getting = blobs.getBlob('k', { signal: controller.signal })
    controller.abort()
    await expect(getting).rejects.toMatchObject({ name: 'AbortError' })
  })
})
