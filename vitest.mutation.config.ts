import base from './vitest.config.js'

/** The tests of the log that are quick and always take the same way: every mutant runs those that reach it. */
export default {
  ...base,
  test: {
    ...base.test,
    include: ['test/wal/**/*.test.ts', 'test/fault/wal/**/*.test.ts', 'test/format/golden-log.test.ts'],
    exclude: [
      'test/fault/wal/{bit-flips,crash,crash-in-recovery,truncated,disk-full}.test.ts',
      'test/wal/{memory,lock-processes,process-exit,fairness}.test.ts'
    ]
  }
}
