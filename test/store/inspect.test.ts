import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inspect, unwrap } from '../../src/index.js'
import { classicLevel } from '../support/classic-level.js'
import { copyWhileOpen, imageOf, memoryLevel, openLogged } from '../support/logged-store.js'
import { openStore } from '../support/memory-store.js'
import { LISTS_OPEN_FILES, openIn } from '../support/open-files.js'
import { noise } from '../support/sample-values.js'
import { documents, keyOf } from '../support/small-documents.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

/** The log of a memory-level, as a killed process left it: it has a dictionary as well. */
async function leftBehind(): Promise<string> {
  const dir = join(temporaryDirectory(), 'log')
  const [dictionary, value] = [Buffer.concat(documents(30)), documents(31)[30]!]
  const store = await openLogged({ dir, meter: false }, memoryLevel(), { dictionary })
  await store.put(keyOf(0), value)
  await store.sync()
  const copy = copyWhileOpen(dir)
  await store.close()
  return copy
}

describe('inspect()', () => {
  it('gives keys and values that are the caller’s own', async () => {
    const { store, backend } = await openStore()
    await store.put('k', noise(64))
    for await (const entry of (await inspect(backend)).entries()) {
      const value = await entry.value()
      for (const bytes of [entry.key, value]) bytes.fill(0)
    }
    expect(await store.get('k')).toEqual(noise(64))
    await store.close()
  })

  it('of a half unwrapped database shows no sweep, whatever its keys look like', async () => {
    const { store, backend } = await openStore()
    for (const key of ['\0\u0003lz4', 'other']) await store.put(key, noise(1024 * 1024))
    await store.close()
    const stop = new AbortController()
    await expect(unwrap(backend, { signal: stop.signal, onProgress: () => stop.abort() })).rejects.toMatchObject({
      name: 'AbortError'
    })
    expect((await inspect(backend)).marker).toMatchObject({ unwrapping: true, sweep: undefined })
    await backend.close()
  })
})

describe('the log that inspect() opens', () => {
  it('lies where its options say, is not changed, and shows no entries of the store itself', async () => {
    const dir = await leftBehind()
    const before = imageOf(dir)
    const database = classicLevel(temporaryDirectory())
    const log = await (await inspect(database)).openLog({ dir })
    const keys: string[] = []
    for await (const { record } of log.reader.read()) keys.push(record.key.toString())
    expect(keys).toEqual([keyOf(0)])
    await log.close()
    expect(imageOf(dir)).toEqual(before)
    await database.close()
  })

  it.skipIf(!LISTS_OPEN_FILES)('leaves no file open when it is closed', async () => {
    const dir = await leftBehind()
    const database = memoryLevel()
    const log = await (await inspect(database)).openLog({ dir })
    await log.reader.get(log.reader.nextSequence - 1)
    expect(openIn(dir)).not.toEqual([])
    await log.close()
    expect(openIn(dir)).toEqual([])
    await database.close()
  })
})
