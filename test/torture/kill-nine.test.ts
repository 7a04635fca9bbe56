import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { compiled } from './compiled.js'
import { killNine } from './kill-nine.js'
import { LogChecker } from './log-checker.js'

/** TORTURE_CYCLES=200 in the nightly run; TORTURE_SEED repeats a run. */
const CYCLES = Number(process.env['TORTURE_CYCLES'] ?? 20)
const SEED = Number(process.env['TORTURE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

test(
  'a log keeps all that it acknowledged, whenever its process is killed',
  { timeout: 10_000 + CYCLES * 5000 },
  async () => {
    const directory = join(temporaryDirectory(), 'log')
    const program = compiled('test/torture/log-writer.ts')
    const checker = new LogChecker(directory)
    console.log(`kill -9, a log: seed ${SEED}, ${CYCLES} cycles`)
    const report = await killNine(
      { program, check: (seed, lines) => checker.check(seed, lines) },
      { cycles: CYCLES, seed: SEED, directory }
    )
    console.log(report)
    expect(report.acknowledged).toBeGreaterThan(CYCLES)
    expect(report.recovered).toBeGreaterThanOrEqual(report.acknowledged)
  }
)
