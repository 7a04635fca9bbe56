import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { lz4, nodeFileSystem, Wal, type WalOptions } from '../../src/index.js'
import { resolveWalOptions } from '../../src/wal/options.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { fill, openLog, TINY_SEGMENTS } from './open-log.js'

const NUMBERS = [0, -1, 1.5, Number.NaN, Infinity, '1024', null, 2n, {}]

const INVALID: Readonly<Record<string, readonly unknown[]>> = {
  dir: [undefined, null, '', 5, {}],
  fsync: ['never', 'Always', '', null, true, 1],
  fsyncIntervalMs: [...NUMBERS, 2 ** 31],
  segmentBytes: [...NUMBERS, 1024, 2 ** 53],
  blockBytes: [...NUMBERS, 1023, 64 * 1024 * 1024 + 1],
  codec: ['snappy', 'LZ4', '', null, 1, {}, { ...lz4(), compress: undefined }, { ...lz4(), effort: 300 }],
  recovery: ['repair', '', null, false]
}

test.for(Object.entries(INVALID).flatMap(([name, values]) => values.map(value => ({ name, value }))))(
  '$name: $value is refused',
  async ({ name, value }) => {
    const fs = new CrashableFileSystem()
    const options = { dir: '/log', fs, meter: false, [name]: value } as WalOptions
    await expect(Wal.open(options)).rejects.toMatchObject({
      code: 'CKV_INVALID_OPTION',
      message: expect.stringMatching(new RegExp(name, 'i'))
    })
    expect(await fs.list('/')).toEqual([])
  }
)

const VALID: Readonly<Record<string, readonly unknown[]>> = {
  fsync: [undefined, 'always', 'interval', 'os'],
  fsyncIntervalMs: [undefined, 1, 2 ** 31 - 1],
  segmentBytes: [undefined, 64 * 1024 + 128, Number.MAX_SAFE_INTEGER],
  blockBytes: [undefined, 1024, 64 * 1024 * 1024],
  codec: [undefined, 'none', 'lz4', 'zstd', lz4()],
  recovery: [undefined, 'tail', 'strict'],
  readOnly: [undefined, false],
  onProgress: [undefined],
  onEvent: [undefined],
  meter: [undefined, false]
}

test.for(Object.entries(VALID).flatMap(([name, values]) => values.map(value => ({ name, value }))))(
  '$name: $value is taken',
  async ({ name, value }) => {
    const { wal } = await openLog({ [name]: value })
    await fill(wal, 2)
    expect((await wal.get(2)).key.toString()).toBe('2')
  }
)

test('the defaults are those that the documentation names', () => {
  expect(resolveWalOptions({ dir: '/log' })).toEqual({
    directory: '/log',
    fsync: 'interval',
    fsyncIntervalMs: 5,
    segmentBytes: 134_217_728,
    blockBytes: 65_536,
    codec: lz4(),
    codecMayYield: true,
    recovery: 'tail',
    readOnly: false,
    onProgress: undefined,
    onEvent: undefined,
    meter: undefined,
    fs: nodeFileSystem
  })
})

test('a codec that is named compresses every block; salvage only reads', () => {
  expect(resolveWalOptions({ dir: '/log', codec: 'lz4' }).codecMayYield).toBe(false)
  expect(resolveWalOptions({ dir: '/log', recovery: 'salvage' }).readOnly).toBe(true)
  expect(resolveWalOptions({ dir: '/log', readOnly: true }).readOnly).toBe(true)
})

test('an option of several words says which', async () => {
  await expect(openLog({ fsync: 'never' as never })).rejects.toThrow(
    "fsync must be one of 'always', 'interval', 'os', not 'never'"
  )
  await expect(Wal.open({})).rejects.toThrow('pass { dir }')
})

test('options of a number say what they take', async () => {
  await expect(openLog({ fsyncIntervalMs: 0 })).rejects.toThrow(/fsyncIntervalMs .* from 1 to 2147483647, not 0/)
})

// Mutation testing runs tests in worker threads, which cannot change the directory.
test.runIf(isMainThread)('a directory that is relative stays where it is when the process goes elsewhere', async () => {
  const [first, second, before] = [temporaryDirectory(), temporaryDirectory(), process.cwd()]
  onTestFinished(() => process.chdir(before))
  process.chdir(first)
  const { wal } = await Wal.open({ ...TINY_SEGMENTS, dir: 'events', meter: false })
  await fill(wal, 1)
  process.chdir(second)
  await fill(wal, 2)
  await wal.close()
  expect(readdirSync(second)).toEqual([])
  expect(readdirSync(join(first, 'events'))).toEqual(['000001.wal', '000002.wal', '000003.wal'])
})
