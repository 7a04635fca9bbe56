import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { noise } from '../support/sample-values.js'
import { compiled } from '../torture/compiled.js'
import { bareLevel, newLocation } from './databases.js'

const ENTRIES = 100

let program: string
beforeAll(() => {
  program = compiled('src/cli/main.ts')
})

/** @param blocks of 512 bytes, or of 1024 as some shells count: files get no larger, as where the disk is full */
function repair(location: string, blocks: number | 'unlimited') {
  const script = `ulimit -f ${blocks}; "$0" "$1" repair "$2"`
  return spawnSync('sh', ['-c', script, process.execPath, program, location], { encoding: 'utf8' })
}

/** A database that has lost CURRENT, with all entries in LevelDB's log or all in one table. */
async function made(where: 'log' | 'table'): Promise<string> {
  const location = newLocation()
  const level = bareLevel(location)
  const keys = Array.from({ length: ENTRIES }, (_, i) => `k${i}`)
  await level.batch(keys.map((key, i) => ({ type: 'put', key, value: noise(3000, i + 1) })))
  if (where === 'table') await level.compactRange('a', 'z')
  await level.close()
  rmSync(join(location, 'CURRENT'))
  return location
}

/** How many entries are there as they were put. */
async function entriesIn(location: string): Promise<number> {
  const level = bareLevel(location)
  const entries = await level.iterator().all()
  await level.close()
  return entries.filter(([key, value]) => value.equals(noise(3000, Number(key.slice(1)) + 1))).length
}

/** Damages some blocks of the only table, so that LevelDB cannot read them. @returns the table's name */
function damageTable(location: string): string {
  const [table] = readdirSync(location).filter(name => name.endsWith('.ldb'))
  const bytes = readFileSync(join(location, table!))
  bytes.fill(0xff, 100_000, 113_000) // More than two blocks: one ends here.
  writeFileSync(join(location, table!), bytes)
  return table!
}

it('repair that cannot write the entries of a log says so, and the next one has them', async () => {
  const location = await made('log')
  const [log] = readdirSync(location).filter(name => name.endsWith('.log'))
  const cut = repair(location, 100)
  expect(cut.status).toBe(1)
  expect(cut.stderr).toMatch(new RegExp(`^ckv: LevelDB read ${log} but could not write .*too large.*repair again\n$`))
  expect(repair(location, 'unlimited').status).toBe(0)
  expect(await entriesIn(location)).toBe(ENTRIES)
})

it('a database whose repair could not write the entries of a log has them when it is opened', async () => {
  const location = await made('log')
  expect(repair(location, 100).status).toBe(1)
  expect(await entriesIn(location)).toBe(ENTRIES)
})

it('repair that can write nothing leaves logs and tables where they were', async () => {
  for (const where of ['log', 'table'] as const) {
    const location = await made(where)
    if (where === 'table') damageTable(location)
    const before = readdirSync(location).filter(name => /^\d+\.(log|ldb)$/.test(name))
    const refused = repair(location, 0)
    expect(refused.status).toBe(1)
    expect(refused.stderr).toContain('IO error')
    expect(readdirSync(location)).toEqual(expect.arrayContaining(before))
    expect(repair(location, 'unlimited').status).toBe(0)
    expect(await entriesIn(location)).toBeGreaterThan(ENTRIES - 10)
  }
})

it('repair that cannot rewrite a damaged table keeps it, and says what to do', async () => {
  const location = await made('table')
  const table = damageTable(location)
  const cut = repair(location, 100)
  expect(cut.status).toBe(1)
  expect(cut.stderr).toContain(`move ${table} from ${join(location, 'lost')} back and repair again`)
  expect(await entriesIn(location)).toBe(0)
  renameSync(join(location, 'lost', table), join(location, table))
  expect(repair(location, 'unlimited').status).toBe(0)
  const left = await entriesIn(location)
  expect(left).toBeLessThan(ENTRIES)
  expect(left).toBeGreaterThan(ENTRIES - 10)
})
