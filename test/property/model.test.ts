import * as fc from 'fast-check'
import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { Model } from './model.js'
import { codecOptions, operations, storeSpec } from './operations.js'
import { System } from './system.js'

const backends = {
  'memory-level': { runs: 200, open: () => new MemoryLevel<string, Buffer>({ valueEncoding: 'buffer' }) },
  'classic-level': {
    runs: 30,
    open: () => new Level<string, Buffer>(temporaryDirectory(), { valueEncoding: 'buffer' })
  }
}

/** Values from before the database was wrapped. */
const plain: [string, Buffer][] = [
  ['a', Buffer.from('plain')],
  ['cx', text(3000)],
  ['d', Buffer.alloc(0)]
]

describe.each(Object.entries(backends))('over %s', (_, { runs, open }) => {
  it.each(Object.entries(codecOptions))('a store does what a sorted map does, with %s', async (_name, codec) => {
    const report = await fc.check(
      fc.asyncProperty(fc.boolean(), storeSpec, operations, async (wrapped, options, ops) => {
        const backend = open()
        if (wrapped) for (const [key, value] of plain) await backend.put(key, value)
        const model = new Model(wrapped ? plain.map(([key, value]) => [key, Buffer.from(value)]) : [])
        const system = new System(backend, codec, options, model)
        for (const op of ops) await system.run(op)
        await system.finish(options)
      }),
      { numRuns: runs, includeErrorInReport: true }
    )
    // The seed and the smallest counterexample, if there is one.
    expect(await fc.asyncDefaultReportMessage(report)).toBeUndefined()
  })
})
