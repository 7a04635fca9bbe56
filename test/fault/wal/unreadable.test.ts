// oxlint-disable vitest/no-conditional-expect -- what is expected depends on where the fault falls
import { chmodSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/node-file-system.js'
import { Record } from '../../../src/wal/format/record.js'
import type { WalOptions } from '../../../src/wal/options.js'
import type { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem, type FileCall } from '../../support/faulty-file-system.js'
import { noise } from '../../support/sample-values.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { diskWith, filesOf, imageOf, linesOf, openLog } from './log-disk.js'
import { sampleLog } from './sample-log.js'

const changing: readonly FileCall[] = [
  ...(['createWith', 'makeDirectory', 'rename', 'remove', 'syncDirectory'] as const),
  ...(['write', 'truncate', 'sync'] as const)
]

/** A file system that lets nothing be changed. */
function writeProtected(memory: CrashableFileSystem, code: string): FaultyFileSystem {
  const fs = new FaultyFileSystem(memory)
  for (const call of changing) fs.fail(call, { code, times: Infinity })
  return fs
}

async function tornLog() {
  const log = await sampleLog({ batches: [90, 90, 3, 1], segmentBytes: 1192, codec: 'none', closed: false })
  const [last, bytes] = Object.entries(log.files).at(-1)!
  return { files: { ...log.files, [last]: Buffer.concat([bytes, noise(100)]) }, lines: log.lines }
}

describe.each(['EACCES', 'EROFS', 'EPERM'])('a directory that cannot be written (%s)', code => {
  test('is a typed error, and nothing is made in it', async () => {
    const { files } = await tornLog()
    for (const memory of [diskWith(files), diskWith({})]) {
      const before = memory.paths()
      await expect(openLog(writeProtected(memory, code))).rejects.toMatchObject({
        code: 'LEVEL_IO_ERROR',
        cause: { code }
      })
      expect(memory.paths()).toEqual(before)
      expect(memory.steps).toBe(0)
      expect(memory.openHandles).toBe(0)
    }
  })

  test.each<WalOptions>([{ readOnly: true }, { recovery: 'salvage' }])('can be read with %o', async options => {
    const { files, lines } = await tornLog()
    const memory = diskWith(files)
    const { wal, recovery } = await openLog(writeProtected(memory, code), options)
    expect(await linesOf(wal)).toEqual(lines)
    expect(recovery.records).toBe(lines.length)
    await expect(wal.append(Record.put('k', 'v'))).rejects.toMatchObject({ code: 'LEVEL_READONLY' })
    await expect(wal.sync()).rejects.toMatchObject({ code: 'LEVEL_READONLY' })
    await wal.close()
    expect(memory.steps).toBe(0)
    expect(imageOf(filesOf(memory))).toEqual(imageOf(files))
    expect(memory.openHandles).toBe(0)
  })
})

test.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
  'a directory on a real disk that cannot be written is a typed error',
  async () => {
    const dir = temporaryDirectory()
    chmodSync(dir, 0o555)
    await expect(openLog(nodeFileSystem, { dir })).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
    expect(await nodeFileSystem.list(dir)).toEqual([])
    chmodSync(dir, 0o755)
  }
)

describe.each<WalOptions>([{}, { recovery: 'strict' }, { recovery: 'salvage' }, { readOnly: true }])(
  'a disk that cannot be read, with %o',
  options => {
    test.each(['read', 'size', 'open', 'list'] as const)('(%s fails) is an error, and nothing is cut', async call => {
      const { files } = await tornLog()
      let failures = 0
      for (let after = 0; ; after++) {
        const memory = diskWith(files)
        const fs = new FaultyFileSystem(memory)
        // The lock apart, and reads alone: what is opened to be written comes after all has been read.
        const rule = fs.fail(call, { code: 'EIO', after, times: Infinity, path: call === 'list' ? /./ : /\.wal$/ })
        const opened = await openLog(fs, options).catch((error: unknown) => {
          const { code } = error as { code?: unknown }
          if (code === 'LEVEL_CORRUPTION') expect(options.recovery, `${call} ${after}`).toBe('strict')
          else expect(['EIO', 'LEVEL_IO_ERROR'], `${call} ${after}`).toContain(code)
          return undefined
        })
        rule()
        expect(memory.openHandles, `${call} ${after}`).toBe(0)
        if (opened !== undefined) {
          await opened.wal.close()
          break
        }
        failures++
        for (const [name, bytes] of Object.entries(files)) {
          expect(filesOf(memory)[name]!.equals(bytes), `${call} ${after}, ${name}`).toBe(true)
        }
        if (options.recovery === 'strict' && failures > 12) break
      }
      expect(failures).toBeGreaterThan(0)
    })
  }
)

test('a file that becomes shorter while it is read is an error, and nothing is cut', async () => {
  const { files } = await sampleLog({ batches: [3, 1], closed: false })
  const memory = diskWith(files)
  const shrinking = Object.assign(Object.create(memory) as CrashableFileSystem, {
    open: async (path: string, mode: 'read' | 'write' | 'create') => {
      const file = await memory.open(path, mode)
      return Object.assign(Object.create(file) as typeof file, {
        size: async () => (await file.size()) + 10,
        read: (into: Uint8Array, position: number) => file.read(into, position),
        close: () => file.close()
      })
    },
    list: (path: string) => memory.list(path)
  })
  await expect(openLog(shrinking, { readOnly: true })).rejects.toMatchObject({ code: 'EIO' })
  expect(imageOf(filesOf(memory))).toEqual(imageOf(files))
  expect(memory.openHandles).toBe(0)
})
