import { expect, it } from 'vitest'
import { openStore } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'

// memory-level answers all gets of one turn in one turn. Restoring these values takes many times as long as a turn may.
it.each([
  ['small enough for the main thread', 'zstd', 60_000, 2000],
  ['that LZ4 restores on the main thread all the same', 'lz4', 500_000, 1000]
] as const)(
  'gets of values %s, many at one moment, let the event loop run between them',
  async (_, codec, bytes, gets) => {
    const { store } = await openStore({ codec })
    const value = text(bytes)
    await store.put('k', value)
    let turns = 0
    const count = () => {
      turns++
      timer = setImmediate(count)
    }
    let timer = setImmediate(count)
    const seen = await Promise.all(
      Array.from({ length: gets }, () => store.get('k').then(found => [found!.equals(value), turns]))
    )
    clearImmediate(timer)
    expect(seen.every(([isSame]) => isSame)).toBe(true)
    expect(seen.at(-1)![1]).toBeGreaterThan((seen[0]![1] as number) + 1)
    await store.close()
  }
)
