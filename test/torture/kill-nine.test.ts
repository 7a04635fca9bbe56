import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { compiled } from './compiled.js'
import { killNine, type Victim } from './kill-nine.js'
import { LogChecker } from './log-checker.js'
import { StoreChecker } from './store-checker.js'

/** Of each victim. TORTURE_CYCLES=200 in the nightly run; TORTURE_SEED repeats a run. */
const CYCLES = Number(process.env['TORTURE_CYCLES'] ?? 10)
const SEED = Number(process.env['TORTURE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const victims: [string, string, (directory: string) => Pick<Victim, 'check'>][] = [
  ['log', 'test/torture/log-writer.ts', directory => new LogChecker(directory)],
  ['store', 'test/torture/store-writer.ts', directory => new StoreChecker(directory)]
]

test.each(victims)(
  'a %s keeps all that it acknowledged, whenever its process is killed',
  { timeout: 10_000 + CYCLES * 5000 },
  async (name, source, checkerOf) => {
    const directory = join(temporaryDirectory(), name)
    const program = compiled(source)
    const checker = checkerOf(directory)
    console.log(`kill -9, a ${name}: seed ${SEED}, ${CYCLES} cycles`)
    const report = await killNine(
      { program, check: (seed, lines) => checker.check(seed, lines) },
      { cycles: CYCLES, seed: SEED, directory }
    )
    console.log(report)
    expect(report.acknowledged).toBeGreaterThan(CYCLES)
    expect(report.recovered).toBeGreaterThanOrEqual(report.acknowledged)
  }
)
