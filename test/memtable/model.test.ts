import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { operation } from './operations.js'
import { System } from './system.js'

test('tables over a backend do what a sorted map does, whoever reads, writes and flushes at once', async () => {
  const report = await fc.check(
    fc.asyncProperty(fc.array(operation, { maxLength: 80, size: 'max' }), async ops => {
      const system = new System()
      for (const next of ops) {
        await system.run(next)
        system.check()
      }
      await system.finish()
    }),
    { numRuns: 300, includeErrorInReport: true }
  )
  // The seed and the smallest counterexample, if there is one.
  expect(await fc.asyncDefaultReportMessage(report)).toBeUndefined()
})
