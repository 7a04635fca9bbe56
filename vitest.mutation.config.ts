import { BaseSequencer, type TestSpecification } from 'vitest/node'
import base from './vitest.config.js'

/** Quick tests first: most mutants die by one of them. */
class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toReversed()
  }
}

/** The tests of the log that are quick and always take the same way: every mutant runs those that reach it. */
export default {
  ...base,
  test: {
    ...base.test,
    include: ['test/wal/**/*.test.ts', 'test/fault/wal/**/*.test.ts', 'test/format/golden-log.test.ts'],
    exclude: [
      'test/fault/wal/{bit-flips,crash,crash-in-recovery,truncated,disk-full}.test.ts',
      'test/wal/{memory,lock-processes,process-exit,fairness}.test.ts'
    ],
    isolate: false,
    testTimeout: 20_000,
    sequence: { sequencer: QuickFirst }
  }
}
