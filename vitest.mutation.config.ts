import { BaseSequencer, type TestSpecification } from 'vitest/node'
import base from './vitest.config.js'

/** What takes long, or tells little of most mutants: last. */
const LAST = /\/fault\/|golden|lock-file|progress|delete-segments/

/** Quick tests first: most mutants die by one of them. */
class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const smallFirst = (await super.sort(files)).toReversed()
    return [
      ...smallFirst.filter(({ moduleId }) => !LAST.test(moduleId)),
      ...smallFirst.filter(({ moduleId }) => LAST.test(moduleId))
    ]
  }
}

/** The tests of the log that are quick and always take the same way: every mutant runs those that reach it. */
export default {
  ...base,
  test: {
    ...base.test,
    include: ['test/wal/**/*.test.ts', 'test/fault/wal/**/*.test.ts', 'test/format/golden-log.test.ts'],
    exclude: [
      'test/fault/wal/{bit-flips,crash,crash-in-recovery,every-call,truncated,disk-full}.test.ts',
      'test/wal/{memory,lock-processes,process-exit,fairness}.test.ts'
    ],
    isolate: false,
    // The slowest test takes four seconds on a slow machine: a mutant that never answers need not be waited for longer.
    testTimeout: 15_000,
    hookTimeout: 2_000,
    sequence: { sequencer: QuickFirst }
  }
}
