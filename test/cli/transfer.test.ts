import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import { main } from '../../src/cli/command-line.js'
import { CompressedKvStore } from '../../src/index.js'
import { EVENTUALLY } from '../support/eventually.js'
import { noise, text } from '../support/sample-values.js'
import { bareLevel, damageLog, killed, newLocation, someEntries, withStore, wrapped } from './databases.js'
import { ckv, json } from './run.js'

/** Of the one entry that has it: a store is told how long, not until when. */
function withoutExpiry(exported: Buffer): { text: string; expiresAt: number } {
  const lines = exported.toString()
  const [found, expiresAt] = /,"expiresAt":(\d+)/.exec(lines)!
  return { text: lines.replace(found, ''), expiresAt: Number(expiresAt) }
}

/** So many lines for `ckv import`. */
function manyLines(count: number, value: string): string {
  return Array.from({ length: count }, (_, i) => `${JSON.stringify({ key: `k${i}`, value })}\n`).join('')
}

const STORES = CompressedKvStore.prototype as unknown as {
  batch: (operations: readonly unknown[]) => Promise<void>
  sync: () => Promise<void>
}

describe('ckv export and import', () => {
  it('carry every entry over, whatever its bytes, and its time to live', async () => {
    const source = await wrapped()
    await withStore(source, {}, async store => {
      await store.put('expires', text(2000), { ttl: 1_000_000 })
      await store.put('gone', text(10), { ttl: 1 })
      await store.put(Buffer.from([0xff, 0xfe, 0]) as unknown as string, noise(3000), {
        keyEncoding: 'buffer'
      } as object)
      await store.put('lines', Buffer.from('a\nb\r\n\u2028"\\'))
      await store.put('empty', Buffer.alloc(0))
    })
    const { stdout, code } = await ckv(['export', source])
    expect(code).toBe(0)
    const target = newLocation()
    expect((await ckv(['import', target, '--codec', 'lz4'], { stdin: stdout })).out).toBe('34 values imported')
    const [before, after] = [stdout, (await ckv(['export', target])).stdout].map(withoutExpiry)
    expect(after!.text).toBe(before!.text)
    expect(Math.abs(after!.expiresAt - before!.expiresAt)).toBeLessThan(10_000)
    for (const [key, value] of someEntries()) {
      expect((await ckv(['get', target, key, '--raw'])).stdout.equals(value)).toBe(true)
      if (key > 'order:004') break
    }
  })

  it('get --json prints one line, which import reads', async () => {
    const source = newLocation()
    await ckv(['put', source, 'a', '1'])
    await ckv(['put', source, 'ff00', 'fa', '--encoding', 'hex', '--ttl', '1000000'])
    const one = await ckv(['get', source, 'a', '--json'])
    const other = await ckv(['get', source, 'ff00', '--encoding', 'hex', '--json'])
    const target = newLocation()
    expect((await ckv(['import', target], { stdin: Buffer.concat([one.stdout, other.stdout]) })).err).toBe('')
    expect((await ckv(['export', target])).lines).toEqual([
      '{"key":"a","value":"1"}',
      expect.stringMatching(/^\{"key":\{"base64":"\/wA="\},"value":\{"base64":"\+g=="\},"expiresAt":\d+\}$/)
    ])
  })

  it('an entry that has expired before it is imported deletes what its key held', async () => {
    const location = newLocation()
    await ckv(['put', location, 'a', 'old'])
    const { out } = await ckv(['import', location], { stdin: '{"key":"a","value":"b","expiresAt":1}\n' })
    expect(out).toBe('0 values imported, 1 had expired')
    expect((await ckv(['get', location, 'a'])).code).toBe(1)
  })

  it.each([
    ['{"key":"a"', 'not JSON'],
    ['7', 'not an object'],
    ['{"key":"a"}', '"value" must be text or'],
    ['{"key":{"base64":"?"},"value":""}', '"key" must be text or'],
    [String.raw`{"key":"\ud800","value":""}`, '"key" must be text or'],
    [Buffer.from('{"key":"caf\xe9","value":""}', 'latin1'), 'not UTF-8'],
    ['{"key":"a","value":"b","kind":"merge"}', '"kind" must be "put"'],
    ['{"key":"a","value":"b","expiresAt":281474976710656}', '"expiresAt" must be a number of ms since 1970']
  ])('%s is refused by the number of its line; those before it are there', async (line, why) => {
    const location = newLocation()
    const stdin = Buffer.concat([Buffer.from('{"key":"x","value":"y"}\n\n'), Buffer.from(line), Buffer.from('\n')])
    const { code, err } = await ckv(['import', location], { stdin })
    expect(code).toBe(1)
    expect(err).toContain('ckv: line 3: ')
    expect(err).toContain(why)
    expect((await ckv(['ls', location])).lines).toEqual(['x'])
  })

  it('import makes no database if its input is a file of another kind', async () => {
    const location = newLocation()
    const { code, err } = await ckv(['import', location], { stdin: 'id,name\n1,Ada\n' })
    expect([code, err]).toEqual([1, "ckv: line 1: not JSON: pass lines as 'ckv export' prints them\n"])
    expect(existsSync(location)).toBe(false)
  })

  it('import refuses a directory of other files before it reads anything', async () => {
    const others = join(await wrapped(), '..')
    const { code, err } = await ckv(['import', others], { stdin: new PassThrough() })
    expect([code, err]).toEqual([1, expect.stringContaining('pass another directory')])
  })

  it('import does not say that it is done if what it has stored cannot be put on stable storage', async () => {
    using _ = vi.spyOn(STORES, 'sync').mockRejectedValue(new Error('the disk is gone'))
    const { code, out, err } = await ckv(['import', newLocation()], { stdin: manyLines(2, '1') })
    expect([code, out, err]).toEqual([1, '', 'ckv: the disk is gone\n'])
  })

  it('import counts what it has done by kind', async () => {
    const lines = [
      '{"key":"a","value":"1"}',
      '{"kind":"delete","key":"a"}',
      '{"kind":"delete","key":"b"}',
      '{"kind":"clear","key":"c"}',
      '{"key":"d","value":"","expiresAt":1}'
    ]
    const { out } = await ckv(['import', newLocation(), '--json'], { stdin: lines.join('\n') })
    expect(JSON.parse(out)).toEqual({ put: 1, deleted: 2, cleared: 1, expired: 1 })
  })

  it('import stores no line after it is interrupted, though it was read together with those before', async () => {
    const interruption = new AbortController()
    const { batch } = STORES
    using _ = vi.spyOn(STORES, 'batch').mockImplementation(async function (this: object, operations) {
      interruption.abort()
      return batch.call(this, operations)
    })
    const location = newLocation()
    const { code, err } = await ckv(['import', location], { stdin: manyLines(1500, '1'), signal: interruption.signal })
    expect([code, err]).toEqual([130, expect.stringContaining('interrupted: 1,000 lines imported')])
    expect((await ckv(['ls', location])).lines).toHaveLength(1000)
  })

  it('import takes lines that end as on Windows, a byte order mark, and a last line without an end', async () => {
    const location = newLocation()
    const stdin = '\ufeff{"key":"a","value":"1"}\r\n\r\n{"key":"b","value":"2"}'
    expect((await ckv(['import', location], { stdin })).out).toBe('2 values imported')
    expect((await ckv(['ls', location])).lines).toEqual(['a', 'b'])
  })

  it('export takes only the keys with a prefix', async () => {
    const { lines: exported } = await ckv(['export', await wrapped(), '--prefix', 'user:01'])
    expect(exported.map(line => (JSON.parse(line) as { key: string }).key)).toEqual(
      ['11', '13', '15', '17', '19'].map(number => `user:0${number}`)
    )
  })

  it('import uses the codec, the least size and the directory of the log that are asked for', async () => {
    const location = newLocation()
    const log = join(location, '..', 'log')
    const entries = [100, 300].map(length => JSON.stringify({ key: `k${length}`, value: 'v'.repeat(length) }))
    const stdin = entries.join('\n')
    expect((await ckv(['import', location, '--codec', 'lz4', '--min-size', '200', '--wal', log], { stdin })).code).toBe(
      0
    )
    const { byCodec } = await json<{ byCodec: { codec: string; values: number }[] }>(['stats', location, '--wal', log])
    expect(byCodec).toMatchObject([
      { codec: 'lz4', values: 1 },
      { codec: 'none', values: 1 }
    ])
    expect([existsSync(log), existsSync(join(location, 'ckv-wal'))]).toEqual([true, false])
  })

  it('import deletes the keys of a range, and no others, in the order of the lines', async () => {
    const location = newLocation()
    const clears = '{"kind":"clear","key":"k1","end":"k3"}\n'
    const stdin = `${manyLines(5, '1')}${clears}${manyLines(2, '1')}`
    expect((await ckv(['import', location], { stdin })).code).toBe(0)
    expect((await ckv(['ls', location])).lines).toEqual(['k0', 'k1', 'k3', 'k4'])
  })

  describe('import writes in batches', () => {
    it.each([
      ['small values', manyLines(2500, '1'), [1000, 1000, 500]],
      ['large values', manyLines(9, '1'.repeat(1024 * 1024)), [4, 4, 1]]
    ])('of few %s, each once', async (_, stdin, batches) => {
      using batch = vi.spyOn(STORES, 'batch')
      const { out } = await ckv(['import', newLocation(), '--json'], { stdin })
      expect(batch.mock.calls.map(([operations]) => operations.length)).toEqual(batches)
      expect(JSON.parse(out)).toMatchObject({ put: batches.reduce((sum, size) => sum + size) })
    })

    it.each([
      [0, 'ckv: lines 1 to 1000: refused\n'],
      [1, 'ckv: lines 1001 to 2000: refused; the lines before them were imported\n'],
      [2, 'ckv: lines 2001 to 2500: refused; the lines before them were imported\n']
    ])('and names the lines of one that fails after %i others', async (before, message) => {
      const location = newLocation()
      const { batch } = STORES
      let calls = 0
      using _ = vi.spyOn(STORES, 'batch').mockImplementation(async function (this: object, operations) {
        if (calls++ >= before) throw new Error('refused')
        return batch.call(this, operations)
      })
      const { code, err } = await ckv(['import', location], { stdin: manyLines(2500, '1') })
      expect([code, err]).toEqual([1, message])
      expect((await ckv(['ls', location])).lines).toHaveLength(before * 1000)
    })
  })

  it('import names the lines that the store refuses', async () => {
    const location = newLocation()
    const lines = ['{"key":"a","value":""}', '{"kind":"clear","key":"b"}', '{"key":{"base64":"/2NrdgA="},"value":""}']
    const { code, err } = await ckv(['import', location, '--json'], { stdin: lines.join('\n') })
    expect([code, JSON.parse(err) as object]).toEqual([
      1,
      {
        error: {
          code: 'LEVEL_INVALID_KEY',
          message: expect.stringMatching(
            /^lines 3 to 3: .*reserved.*: use another key; the lines before them were imported$/
          )
        }
      }
    ])
    expect((await ckv(['ls', location])).lines).toEqual(['a'])
  })

  it('import stores what it has read when it is interrupted, and says how much: exit code 130', async () => {
    const location = newLocation()
    const stdin = new PassThrough()
    const [stdout, stderr, interruption] = [new PassThrough(), new PassThrough(), new AbortController()]
    const done = main(['import', location, '--json'], { stdin, stdout, stderr, signal: interruption.signal })
    // More is read when the lines before it are taken.
    for (const piece of ['{"key":"a","value":"1"}\n{"key":"b","value":"2"}\n', '{"key":']) {
      stdin.write(piece)
      await vi.waitFor(() => expect(stdin.readableLength).toBe(0), EVENTUALLY)
    }
    interruption.abort()
    expect(await done).toBe(130)
    const { error } = JSON.parse(String(stderr.read())) as { error: { message: string } }
    expect(error.message).toBe('interrupted: 2 lines imported; import the lines after them, or all again')
    expect((await ckv(['ls', location])).lines).toEqual(['a', 'b'])
  })

  it('an entry that waits to be imported together with others does not live longer for that', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const location = newLocation()
      const expiresAt = Date.now() + 3_600_000
      const stdin = new PassThrough()
      const done = main(['import', location], { stdin, stdout: new PassThrough(), stderr: new PassThrough() })
      stdin.write(`${JSON.stringify({ key: 'a', value: '1', expiresAt })}\n`)
      await vi.waitFor(() => expect(stdin.readableLength).toBe(0), EVENTUALLY)
      vi.setSystemTime(Date.now() + 3_000_000)
      stdin.end()
      expect(await done).toBe(0)
      expect(JSON.parse((await ckv(['export', location])).out)).toEqual({ key: 'a', value: '1', expiresAt })
    } finally {
      vi.useRealTimers()
    }
  })

  it('export leaves out what it cannot read, and names it: exit code 1', async () => {
    const location = await wrapped()
    const level = bareLevel(location)
    await level.put('user:015', Buffer.from('no envelope'))
    await level.close()
    const { code, lines, err } = await ckv(['export', location])
    expect([code, lines.length]).toEqual([1, 29])
    expect(err).toMatch(/^ckv: left out user:015: Corrupt data/)
    expect((await ckv(['get', location, 'user:015'])).err).toMatch(
      /^ckv: 'user:015' cannot be read: Corrupt data: .*\n$/
    )
    const { error } = JSON.parse((await ckv(['export', location, '--json'])).err) as { error: object }
    expect(error).toEqual({ code: 'LEVEL_CORRUPTION', message: expect.stringMatching(/^left out user:015: Corrupt/) })
  })

  it('export goes on without a damaged log, and says so: exit code 1; with the records salvaged from the log everything is there', async () => {
    const location = await killed()
    damageLog(location)
    const exported = await ckv(['export', location])
    expect([exported.code, exported.lines.length]).toEqual([1, 1])
    expect(exported.err).toMatch(/^ckv: left out what only the log has, which 'ckv wal --salvage' reads: .*\n$/)
    expect(exported.err).toContain(`the log in ${join(location, 'ckv-wal')}`)
    const salvaged = join(location, '..', 'salvaged')
    expect((await ckv(['wal', location, '--salvage', salvaged])).code).toBe(1)
    const stdin = Buffer.concat([exported.stdout, readFileSync(salvaged)])
    expect((await ckv(['import', newLocation()], { stdin })).out).toBe('16 values imported')
  })

  it('export writes no faster than its output is read, and ends quietly when nobody reads it any more', async () => {
    const location = newLocation()
    await withStore(location, {}, async store => {
      for (let i = 0; i < 200; i++) await store.put(`k${i}`, noise(10_000, i + 1))
    })
    const [stdout, stderr] = [new PassThrough({ highWaterMark: 1000 }), new PassThrough()]
    const done = main(['export', location], { stdin: Readable.from([]), stdout, stderr })
    await once(stdout, 'readable')
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(stdout.readableLength + stdout.writableLength).toBeLessThan(200_000)
    stdout.destroy(Object.assign(new Error('closed'), { code: 'EPIPE' }))
    expect(await done).toBe(0)
    expect(stderr.read()).toBeNull()
  })

  it('import reads no further ahead than it writes', async () => {
    const location = newLocation()
    let made = 0
    const line = `${JSON.stringify({ key: 'k', value: 'v'.repeat(100_000) })}\n`
    const stdin = Readable.from(
      (function* () {
        for (; made < 300; made++) yield Buffer.from(made === 250 ? '{"key":1}\n' : line)
      })(),
      { objectMode: false, highWaterMark: 1 }
    )
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    expect(await main(['import', location], { stdin, stdout, stderr })).toBe(1)
    expect(made).toBeLessThan(255)
  })
})
