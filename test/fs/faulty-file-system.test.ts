import { expect, test } from 'vitest'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { FaultyFileSystem } from '../support/faulty-file-system.js'
import { track, turns } from '../support/turns.js'

const LOG = '/db/log'

async function faulty() {
  const disk = new CrashableFileSystem()
  await disk.makeDirectory('/db')
  const fs = new FaultyFileSystem(disk)
  return { disk, fs, file: await fs.open(LOG, 'create') }
}

test('a scripted call fails so many times after so many, without reaching the disk', async () => {
  const { disk, fs, file } = await faulty()
  fs.fail('write', { code: 'EIO', after: 1, times: 2 })
  await file.write(Buffer.from('a'), 0)
  await expect(file.write(Buffer.from('b'), 1)).rejects.toMatchObject({ code: 'EIO' })
  expect(() => file.writeSync(Buffer.from('c'), 1)).toThrow(expect.objectContaining({ code: 'EIO' }))
  expect(String(disk.file(LOG))).toBe('a')
  file.writeSync(Buffer.from('d'), 1)
  expect(String(disk.file(LOG))).toBe('ad')
})

test('a failure of the synchronous write leaves the other alone', async () => {
  const { fs, file } = await faulty()
  fs.fail('writeSync', { code: 'EIO', times: Infinity })
  await file.write(Buffer.from('a'), 0)
  expect(() => file.writeSync(Buffer.from('a'), 0)).toThrow(expect.objectContaining({ code: 'EIO' }))
})

test('a failure keeps to its paths, until it is taken away', async () => {
  const { fs } = await faulty()
  const mend = fs.fail('createWith', { code: 'EROFS', times: Infinity, path: /\.seg$/ })
  await fs.createWith('/db/other', Buffer.from('x'))
  await expect(fs.createWith('/db/1.seg', Buffer.from('x'))).rejects.toMatchObject({ code: 'EROFS' })
  mend()
  await fs.createWith('/db/1.seg', Buffer.from('x'))
})

test('a file follows its new name', async () => {
  const { fs, file } = await faulty()
  await fs.rename(LOG, '/db/new')
  fs.fail('sync', { code: 'EIO', path: /new/ })
  await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' })
})

test('a close that fails closes', async () => {
  const { disk, fs, file } = await faulty()
  fs.fail('close', { code: 'EIO' })
  await expect(file.close()).rejects.toMatchObject({ code: 'EIO' })
  expect(disk.openHandles).toBe(0)
})

test('a failed sync leaves the bytes unsynced', async () => {
  const { disk, fs, file } = await faulty()
  await fs.syncDirectory('/db')
  await file.write(Buffer.from('a'), 0)
  fs.fail('sync', { code: 'EIO' })
  await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' })
  expect(disk.afterCrash({ unsynced: 'none' }).file(LOG)).toHaveLength(0)
})

test('short writes take no more than they are told', async () => {
  const { disk, fs, file } = await faulty()
  fs.shortWrites(3)
  expect(await file.write(Buffer.from('abcdef'), 0)).toBe(3)
  expect(file.writeSync(Buffer.from('de'), 3)).toBe(2)
  expect(String(disk.file(LOG))).toBe('abcde')
  fs.shortWrites(Infinity)
  expect(file.writeSync(Buffer.from('abcdef'), 0)).toBe(6)
})

test('a full disk takes what fits, then gives ENOSPC; what is there can be overwritten; room can come back', async () => {
  const { disk, fs, file } = await faulty()
  fs.capacity(10)
  await fs.createWith('/db/other', Buffer.alloc(4))
  expect(await file.write(Buffer.from('abcdefgh'), 0)).toBe(6)
  await expect(file.write(Buffer.from('gh'), 6)).rejects.toMatchObject({ code: 'ENOSPC' })
  expect(() => file.writeSync(Buffer.from('gh'), 6)).toThrow(expect.objectContaining({ code: 'ENOSPC' }))
  await expect(fs.createWith('/db/third', Buffer.alloc(1))).rejects.toMatchObject({ code: 'ENOSPC' })
  expect(await file.write(Buffer.from('ABCDEF'), 0)).toBe(6)
  expect(String(disk.file(LOG))).toBe('ABCDEF')

  await fs.remove('/db/other')
  expect(await file.write(Buffer.from('ghijkl'), 6)).toBe(4)
  await file.truncate(2)
  expect(await file.write(Buffer.from('ghijkl'), 2)).toBe(6)
  fs.capacity(Infinity)
  expect(await file.write(Buffer.alloc(100), 0)).toBe(100)
})

test('a held call waits until it is released, the next one does not', async () => {
  const { fs, file } = await faulty()
  const release = fs.hold('sync')
  const held = file.sync()
  await release.reached
  const state = track(held)
  await file.sync()
  await turns()
  expect(state.settled).toBe(false)
  release()
  await held
})

test('a held call fails as scripted when it is released', async () => {
  const { fs, file } = await faulty()
  const release = fs.hold('sync')
  const held = file.sync()
  await release.reached
  fs.fail('sync', { code: 'EIO' })
  release()
  await expect(held).rejects.toMatchObject({ code: 'EIO' })
})

test('calls are counted by name', async () => {
  const { fs, file } = await faulty()
  await file.write(Buffer.from('a'), 0)
  file.writeSync(Buffer.from('a'), 0)
  await file.sync()
  await fs.open('/db/missing', 'read').catch(() => undefined)
  expect(fs.calls).toEqual({ open: 2, write: 2, writeSync: 1, sync: 1 })
})
