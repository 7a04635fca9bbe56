import { readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { expect, it } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { MARKER_KEY } from '../../src/store/marker.js'
import { text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { bareLevel, newLocation } from './databases.js'
import { ckv, json } from './run.js'

/** A closed store with tables. */
async function made(location = newLocation()): Promise<string> {
  const store = new CompressedKvStore<string, Buffer>(bareLevel(location), { codec: 'zstd' })
  for (let index = 0; index < 20; index++) await store.put(`k${index}`, text(3000 + index))
  await store.flush()
  await store.compactRange('a', 'z')
  await store.close()
  return location
}

async function loseMarker(location: string): Promise<void> {
  const bare = new ClassicLevel<Buffer, Buffer>(location, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  await bare.del(MARKER_KEY)
  await bare.close()
}

it('repair makes a database readable that lost CURRENT, and other commands say so', async () => {
  const location = await made()
  rmSync(join(location, 'CURRENT'))
  const refused = await ckv(['stats', location])
  expect(refused.code).toBe(1)
  expect(refused.err).toContain(`ckv repair ${location}`)
  const { code, lines } = await ckv(['repair', location])
  expect(code).toBe(0)
  expect(lines[0]).toContain('marker is intact')
  expect((await ckv(['verify', location])).out).toContain('20 values in the database, 0 records in the log: sound')
})

it('repair makes a lost marker anew; until then no command takes the values for plain ones', async () => {
  const location = await made()
  await loseMarker(location)
  for (const command of [
    ['stats', location],
    ['verify', location],
    ['export', location],
    ['get', location, 'k1'],
    ['unwrap', location],
    ['gc', location, '--wrap'],
    ['put', location, 'k', 'v', '--wrap']
  ]) {
    const { code, err, out } = await ckv(command)
    expect({ command, code, out }).toEqual({ command, code: 1, out: '' })
    expect(err).toContain(`ckv repair ${location}`)
  }
  expect(await json(['repair', location])).toMatchObject({ marker: 'rebuilt' })
  expect((await ckv(['get', location, 'k7'])).out).toBe(text(3007).toString().replace(/\n$/, ''))
  expect(await json(['repair', location])).toMatchObject({ marker: 'intact' })
})

it('repair asks where the log is, or whether there is none, before it makes a marker that would not fit it', async () => {
  const location = newLocation()
  const store = new CompressedKvStore<string, Buffer>(bareLevel(location), { wal: false })
  await store.put('k', text(3000))
  await store.close()
  await loseMarker(location)
  const { code, err } = await ckv(['repair', location])
  expect(code).toBe(1)
  expect(err).toContain('--no-wal')
  expect(await json(['repair', location, '--no-wal'])).toMatchObject({ marker: 'rebuilt' })
  expect(await json(['repair', location])).toMatchObject({ marker: 'intact' })
})

it('repair says which tables are damaged', async () => {
  const location = await made()
  const table = readdirSync(location).find(name => name.endsWith('.ldb'))!
  truncateSync(join(location, table), 100)
  expect(await json(['repair', location])).toMatchObject({ lostTables: expect.arrayContaining([table]) })
  expect((await ckv(['repair', location])).out).toContain(` in ${join(location, 'lost')}, damaged`)
})

it('repair of a database that was never wrapped repairs LevelDB only', async () => {
  const location = newLocation()
  const bare = bareLevel(location)
  await bare.put('k', text(3000))
  await bare.close()
  expect(await json(['repair', location])).toMatchObject({ marker: 'none' })
  const again = bareLevel(location)
  expect(await again.get('k')).toEqual(text(3000))
  await again.close()
})

it('repair refuses an open database, and directories that hold none', async () => {
  const location = await made()
  const open = bareLevel(location)
  await open.open()
  const { code, err } = await ckv(['repair', location])
  expect(code).toBe(1)
  expect(err).toContain('close the program that has it open')
  await open.close()

  const other = temporaryDirectory()
  expect((await ckv(['repair', other])).err).toContain('has no files of a LevelDB database')
  expect((await ckv(['repair', join(other, 'missing')])).err).toContain('does not exist')
  writeFileSync(join(other, 'CURRENT'), '')
  writeFileSync(join(other, 'OPTIONS-000007'), '')
  expect((await ckv(['repair', other])).err).toContain('RocksDB')
  expect(readdirSync(other).sort()).toEqual(['CURRENT', 'OPTIONS-000007'])
})
