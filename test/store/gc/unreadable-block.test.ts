import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { expect, test } from 'vitest'
import { CompressedKvStore, unwrap } from '../../../src/index.js'
import { ckv } from '../../cli/run.js'
import { noise, text } from '../../support/sample-values.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const VALUES = 2000
const keyOf = (i: number) => `k${String(i).padStart(6, '0')}`
const valueOf = (i: number) => Buffer.concat([noise(300, i + 1), text(900)])

type Damage = (table: Buffer) => void

/** Several blocks, with their beginnings, which Snappy cannot read. */
const inTheMiddle: Damage = table => void table.fill(0xff, table.length / 2, table.length / 2 + 8000)

/** The last ones before the index of filters, whose place is the first varint of the footer, which has 48 bytes. */
const atTheEnd: Damage = table => {
  let place = 0
  for (let at = table.length - 48, shift = 0; ; at++, shift += 7) {
    place += (table[at]! & 0x7f) * 2 ** shift
    if (table[at]! < 0x80) break
  }
  table.fill(0xff, place - 12_000, place - 100)
}

/** A database in a table that has blocks which LevelDB cannot decompress. */
async function damaged(damage: Damage): Promise<{ location: string; mend: () => void }> {
  const location = temporaryDirectory()
  const level = new ClassicLevel<string, Buffer>(location, { valueEncoding: 'buffer' })
  for (let i = 0; i < VALUES; i += 100) {
    await level.batch(
      Array.from({ length: 100 }, (_, n) => ({ type: 'put' as const, key: keyOf(i + n), value: valueOf(i + n) }))
    )
  }
  await level.compactRange(keyOf(0), keyOf(VALUES))
  await level.close()
  const table = join(
    location,
    readdirSync(location).find(name => name.endsWith('.ldb'))!
  )
  const intact = readFileSync(table)
  const bytes = Buffer.from(intact)
  damage(bytes)
  writeFileSync(table, bytes)
  return { location, mend: () => writeFileSync(table, intact) }
}

const levelAt = (location: string) => new ClassicLevel<string, Buffer>(location, { valueEncoding: 'buffer' })

test.each([
  ['in the middle', inTheMiddle],
  ['behind all others', atTheEnd]
])(
  'a sweep that LevelDB hides a block %s from fails, and forgets nothing that its values need',
  async (_where, damage) => {
    const { location, mend } = await damaged(damage)
    const store = new CompressedKvStore(levelAt(location), { codec: 'zstd' })
    await expect(store.gc.run()).rejects.toThrow(/corrupt/i)
    await store.close()
    mend()
    const again = new CompressedKvStore(levelAt(location), { codec: 'zstd' })
    const found = await again.getMany(Array.from({ length: VALUES }, (_, i) => keyOf(i)))
    expect(found.filter((value, i) => !value?.equals(valueOf(i)))).toEqual([])
    await again.close()
  }
)

test('unwrap() changes nothing where LevelDB hides a block from it', async () => {
  const { location, mend } = await damaged(inTheMiddle)
  const store = new CompressedKvStore(levelAt(location), { codec: 'zstd' })
  await store.put('another', text(2000))
  await store.close()
  await expect(unwrap(levelAt(location))).rejects.toThrow(/corrupt/i)
  mend()
  expect(await unwrap(levelAt(location))).toEqual({ values: VALUES + 1 })
})

test('ckv verify says that a block cannot be read, and how many values can', async () => {
  const { location } = await damaged(inTheMiddle)
  const { code, out } = await ckv(['verify', location])
  expect(code).toBe(1)
  expect(out).toMatch(/LevelDB cannot read all of its files/)
  expect(out).toMatch(/1,9\d\d values in the database: corrupt/)
})
