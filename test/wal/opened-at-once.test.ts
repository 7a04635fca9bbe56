import { expect, test } from 'vitest'
import { lz4 } from '../../src/codec/lz4/lz4.js'
import { Record, Wal } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { noise, text } from '../support/sample-values.js'
import { DIRECTORY, fingerprints, openLog } from './open-log.js'

const RECORDS = 2000

/** With the codec of the log, between any two steps of it. */
async function valuesRestoredUntil(signal: { stopped: boolean }): Promise<void> {
  const value = noise(3000)
  const compressed = lz4().compressSync!(value)
  for (let i = 1; !signal.stopped; i++) {
    lz4().decompressSync!(compressed, value.length)
    await (i % 10_000 === 0 ? new Promise(resolve => setImmediate(resolve)) : undefined)
  }
}

test('logs that are opened and read at the same time do not disturb each other', async () => {
  const disks = [new CrashableFileSystem(), new CrashableFileSystem(), new CrashableFileSystem()]
  const written: string[][] = []
  for (const [i, fs] of disks.entries()) {
    const { wal } = await openLog({ fs, codec: 'lz4' })
    const records = Array.from({ length: RECORDS }, (_, r) => Record.put(`${i} ${r}`, text(200 + 97 * i + (r % 50))))
    await wal.appendBatch(records.slice(0, RECORDS / 2))
    for (const record of records.slice(RECORDS / 2)) void wal.append(record)
    await wal.sync()
    written.push(await fingerprints(wal.read({})))
    await wal.close()
  }

  const signal = { stopped: false }
  const others = valuesRestoredUntil(signal)
  const opened = await Promise.all(disks.map(fs => Wal.open({ dir: DIRECTORY, meter: false, fs }))).finally(() => {
    signal.stopped = true
  })
  await others
  expect(opened.map(({ recovery }) => recovery.records)).toEqual(disks.map(() => RECORDS))
  expect(opened.map(({ recovery }) => recovery.corruption)).toEqual(disks.map(() => []))
  expect(await Promise.all(opened.map(({ wal }) => fingerprints(wal.read({}))))).toEqual(written)
  for (const { wal } of opened) await wal.close()
})
