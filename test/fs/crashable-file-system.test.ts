import { describe, expect, test } from 'vitest'
import type { File } from '../../src/fs/file-system.js'
import { CrashableFileSystem, SimulatedCrash } from '../support/crashable-file-system.js'
import { failures } from '../support/failures.js'

const LOG = '/db/log'
const SEEDS = Array.from({ length: 200 }, (_, i) => i)

describe('the crash', () => {
  /** One of each call that changes something. */
  const workload: readonly ((fs: CrashableFileSystem, file: () => File) => unknown)[] = [
    fs => fs.makeDirectory('/db/archive'),
    fs => fs.createWith('/db/id', Buffer.from('id')),
    (_, file) => file().write(Buffer.from('abcd'), 0),
    (_, file) => file().writeSync(Buffer.from('efgh'), 4),
    (_, file) => file().truncate(6),
    (_, file) => file().sync(),
    fs => fs.rename('/db/id', '/db/name'),
    fs => fs.syncDirectory('/db'),
    fs => fs.remove('/db/name')
  ]

  async function run(fs: CrashableFileSystem): Promise<File> {
    const file = await fs.open(LOG, 'create')
    for (const step of workload) await step(fs, () => file)
    return file
  }

  test('every call that changes something is a step, and no other', async () => {
    const fs = disk()
    const file = await run(fs)
    expect(fs.steps).toBe(workload.length + 1)
    await Promise.all([file.size(), file.read(Buffer.alloc(1), 0), fs.list('/db'), fs.readFile(LOG), file.close()])
    await fs.open('/db/missing', 'write').catch(() => undefined)
    await fs.makeDirectory('/db')
    expect(fs.steps).toBe(workload.length + 1)
  })

  test('leaves what the steps before it did, and every later call throws', async () => {
    const whole = disk()
    const states = [snapshot(whole)]
    const log = await whole.open(LOG, 'create')
    states.push(snapshot(whole))
    for (const step of workload) {
      await step(whole, () => log)
      states.push(snapshot(whole))
    }
    for (let step = 1; step <= workload.length + 1; step++) {
      const fs = disk()
      fs.crashAt(step)
      await expect(run(fs)).rejects.toThrow(SimulatedCrash)
      expect(snapshot(fs)).toEqual(states[step - 1])
      expect(snapshot(fs.afterCrash({ unsynced: 'all' }))).toEqual(states[step - 1])
      const calls = [fs.list('/db'), fs.readFile(LOG), fs.open(LOG, 'read'), fs.syncDirectory('/db')]
      for (const failure of await failures(calls)) expect(failure).toBeInstanceOf(SimulatedCrash)
    }
  })

  test('throws for open files too', async () => {
    const fs = disk()
    const file = await fs.open(LOG, 'create')
    fs.crash()
    const calls = [file.read(Buffer.alloc(1), 0), file.size(), file.sync(), file.close(), file.truncate(0)]
    for (const failure of await failures(calls)) expect(failure).toBeInstanceOf(SimulatedCrash)
    expect(() => file.writeSync(Buffer.alloc(1), 0)).toThrow(SimulatedCrash)
  })

  test('midway leaves half a write', async () => {
    const { fs, file } = await opened()
    fs.crashAt(fs.steps + 1, { midway: true })
    await expect(file.write(Buffer.from('abcd'), 0)).rejects.toThrow(SimulatedCrash)
    expect(String(fs.afterCrash({ unsynced: 'all' }).file(LOG))).toBe('ab')
  })

  test('midway leaves half of a sync done', async () => {
    const { fs, file } = await opened()
    await file.write(Buffer.from('ab'), 0)
    await file.write(Buffer.from('cd'), 2)
    fs.crashAt(fs.steps + 1, { midway: true })
    await expect(file.sync()).rejects.toThrow(SimulatedCrash)
    expect(String(fs.afterCrash({ unsynced: 'none' }).file(LOG))).toBe('ab')
  })

  test('midway leaves a file made with its bytes whole or absent, perhaps with its draft', async () => {
    const fs = disk()
    fs.crashAt(1, { midway: true })
    await expect(fs.createWith(LOG, Buffer.from('abcd'))).rejects.toThrow(SimulatedCrash)
    expect(outcomes(fs)).toEqual([
      {},
      { [LOG]: 'abcd' },
      { [LOG]: 'abcd', [`${LOG}.1.1`]: 'abcd' },
      { [`${LOG}.1.1`]: 'abcd' }
    ])
  })
})

describe('bytes', () => {
  test('that were synced survive, others only if all do', async () => {
    const { fs, file } = await opened()
    await file.write(Buffer.from('synced'), 0)
    await file.sync()
    await file.write(Buffer.from('later'), 4)
    expect(String(fs.afterCrash({ unsynced: 'none' }).file(LOG))).toBe('synced')
    expect(String(fs.afterCrash({ unsynced: 'all' }).file(LOG))).toBe('synclater')
  })

  test('a sync covers no write that was not awaited', async () => {
    const { fs, file } = await opened()
    await Promise.all([file.write(Buffer.from('abcd'), 0), file.sync()])
    expect(fs.afterCrash({ unsynced: 'none' }).file(LOG)).toHaveLength(0)
    await file.sync()
    expect(String(fs.afterCrash({ unsynced: 'none' }).file(LOG))).toBe('abcd')
  })

  test('a write copies what it is given', async () => {
    const { fs, file } = await opened()
    const bytes = Buffer.from('abcd')
    await file.write(bytes, 0)
    bytes.fill('x')
    await file.sync()
    expect(String(fs.file(LOG))).toBe('abcd')
    expect(String(fs.afterCrash({ unsynced: 'none' }).file(LOG))).toBe('abcd')
  })

  test('that were cut off and not synced come back, or stay away, or are zeros', async () => {
    const fs = disk()
    fs.put(LOG, Buffer.from('abcd'))
    const file = await fs.open(LOG, 'write')
    await file.truncate(2)
    expect(String(fs.afterCrash({ unsynced: 'none' }).file(LOG))).toBe('abcd')
    expect(contents(fs)).toEqual(['ab', 'ab\0', 'ab\0\0', 'abc', 'abcd'])
    await file.sync()
    expect(contents(fs)).toEqual(['ab'])
  })

  test('some of them: each sector is old, new or zero, the size between the old and the new one', async () => {
    const fs = disk()
    fs.put(LOG, Buffer.alloc(1000, 'o'))
    const file = await fs.open(LOG, 'write')
    await file.write(Buffer.alloc(1500, 'n'), 500)
    const sectors = [0, 512, 1024, 1536].map(from => ({ from, seen: new Set<string>() }))
    const sizes = new Set<number>()
    for (const seed of SEEDS) {
      const after = String(fs.afterCrash({ unsynced: 'some', seed }).file(LOG))
      sizes.add(after.length)
      expect(after.length).toBeGreaterThanOrEqual(1000)
      expect(after.length).toBeLessThanOrEqual(2000)
      for (const { from, seen } of sectors) {
        const sector = after.slice(from, from + 512)
        if (sector !== '') seen.add(sector.replaceAll(/(.)\1*/gs, '$1'))
      }
    }
    expect(sectors.map(({ seen }) => [...seen].sort())).toEqual([
      ['o', 'on'],
      ['n', 'o', 'o\0'],
      ['\0', 'n'],
      ['\0', 'n']
    ])
    expect(sizes).toContain(1000)
    expect(sizes).toContain(2000)
    expect(sizes.size).toBeGreaterThan(20)
  })

  test('of small appends to one sector some survive only with those before them', async () => {
    const { fs, file } = await opened()
    for (const [i, letter] of 'abcdefgh'.split('').entries()) await file.write(Buffer.from(letter), i)
    for (const after of contents(fs)) expect(after).toMatch(/^a?b?c?d?e?f?g?h?\0*$/)
    for (const after of contents(fs)) expect('abcdefgh'.startsWith(after.replaceAll('\0', ''))).toBe(true)
    expect(contents(fs)).toContain('abcdefgh')
    expect(contents(fs)).toContain('')
  })

  test('what a crash cut off does not come back when the file grows', async () => {
    const { fs, file } = await opened()
    await file.write(Buffer.alloc(5000, 'x'), 0)
    for (const seed of SEEDS) {
      const after = fs.afterCrash({ unsynced: 'some', seed })
      const { length } = after.file(LOG)
      const reopened = await after.open(LOG, 'write')
      await reopened.truncate(6000)
      await reopened.sync()
      expect(
        after
          .file(LOG)
          .subarray(length)
          .every(byte => byte === 0)
      ).toBe(true)
      expect(after.afterCrash({ unsynced: 'none' }).file(LOG).equals(after.file(LOG))).toBe(true)
    }
  })

  test('the same seed gives the same disk', async () => {
    const { fs, file } = await opened()
    await file.write(Buffer.alloc(10_000, 'x'), 0)
    await fs.createWith('/db/a', Buffer.from('a'))
    const after = () => snapshot(fs.afterCrash({ unsynced: 'some', seed: 7 }))
    expect(after()).toEqual(after())
  })
})

describe('names', () => {
  test('a file whose name was not synced is gone, synced bytes or not', async () => {
    const fs = disk()
    const file = await fs.open(LOG, 'create')
    await file.write(Buffer.from('x'), 0)
    await file.sync()
    expect(outcomes(fs)).toEqual([{}, { [LOG]: 'x' }])
    await fs.syncDirectory('/db')
    expect(outcomes(fs)).toEqual([{ [LOG]: 'x' }])
  })

  test('a file made with its bytes is there', async () => {
    const fs = disk()
    await fs.createWith(LOG, Buffer.from('x'))
    expect(snapshot(fs.afterCrash({ unsynced: 'none' }))).toEqual({ [LOG]: 'x' })
  })

  test('a rename leaves the old state or the new one', async () => {
    const fs = disk()
    fs.put('/db/draft', Buffer.from('new'))
    fs.put(LOG, Buffer.from('old'))
    await fs.rename('/db/draft', LOG)
    expect(outcomes(fs)).toEqual([{ '/db/draft': 'new', [LOG]: 'old' }, { [LOG]: 'new' }])
  })

  test('a removed file may come back until its directory is synced', async () => {
    const fs = disk()
    fs.put(LOG, Buffer.from('x'))
    await fs.remove(LOG)
    expect(outcomes(fs)).toEqual([{}, { [LOG]: 'x' }])
    await fs.syncDirectory('/db')
    expect(outcomes(fs)).toEqual([{}])
  })

  test('changes of different names may survive without each other, of one name only in order', async () => {
    const fs = disk()
    fs.put('/db/a', Buffer.from('1'))
    await fs.rename('/db/a', '/db/b')
    await fs.rename('/db/b', '/db/c')
    fs.put('/other/z', Buffer.from('2'))
    await fs.remove('/other/z')
    expect(outcomes(fs)).toEqual(
      ['a', 'b', 'c'].flatMap(name => [{ [`/db/${name}`]: '1' }, { [`/db/${name}`]: '1', '/other/z': '2' }])
    )
  })

  test('a directory is there at once', async () => {
    const fs = disk()
    await fs.makeDirectory('/db/a/b')
    expect(await fs.afterCrash({ unsynced: 'none' }).list('/db/a')).toEqual(['b'])
  })
})

test('a clone shares nothing, and crashes to the same states', async () => {
  const { fs, file } = await opened()
  await file.write(Buffer.from('abc'), 0)
  fs.crash()
  const clone = fs.clone()
  expect([clone.steps, clone.openHandles]).toEqual([0, 0])
  expect(contents(clone)).toEqual(contents(fs))
  const other = await clone.open(LOG, 'write')
  await other.write(Buffer.from('x'), 0)
  await other.sync()
  expect(String(clone.afterCrash({ unsynced: 'none' }).file(LOG))).toBe('xbc')
  expect(fs.afterCrash({ unsynced: 'none' }).file(LOG)).toHaveLength(0)
  expect(String(fs.file(LOG))).toBe('abc')
})

test('open handles are counted', async () => {
  const { fs, file } = await opened()
  const second = await fs.open(LOG, 'read')
  expect(fs.openHandles).toBe(2)
  await Promise.all([file.close(), second.close()])
  expect(fs.openHandles).toBe(0)
})

function disk(): CrashableFileSystem {
  const fs = new CrashableFileSystem()
  fs.put('/db/x', Buffer.alloc(0))
  return fs
}

/** With an empty log whose name is synced. */
async function opened(): Promise<{ fs: CrashableFileSystem; file: File }> {
  const fs = disk()
  const file = await fs.open(LOG, 'create')
  await fs.syncDirectory('/db')
  return { fs, file }
}

function snapshot(fs: CrashableFileSystem): Record<string, string> {
  const paths = fs.paths().filter(path => path !== '/db/x')
  return Object.fromEntries(paths.map(path => [path, String(fs.file(path))]))
}

/** All that a crash may leave. */
function outcomes(fs: CrashableFileSystem): Record<string, string>[] {
  return distinct(SEEDS.map(seed => snapshot(fs.afterCrash({ unsynced: 'some', seed }))))
}

/** All that a crash may leave of the log. */
function contents(fs: CrashableFileSystem): string[] {
  return [...new Set(SEEDS.map(seed => String(fs.afterCrash({ unsynced: 'some', seed }).file(LOG))))].sort()
}

function distinct(states: Record<string, string>[]): Record<string, string>[] {
  return [...new Set(states.map(state => JSON.stringify(state)))].sort(byText).map(state => JSON.parse(state))
}

/** Without the braces, so that a state stands before those that add to it. */
function byText(a: string, b: string): number {
  return a.slice(1, -1) < b.slice(1, -1) ? -1 : 1
}
