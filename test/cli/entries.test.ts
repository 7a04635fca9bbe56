import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { unwrap } from '../../src/index.js'
import { noise } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { bare, bareLevel, digests, newLocation, withStore, wrapped } from './databases.js'
import { ckv, json } from './run.js'

describe('ckv put, get, del and ls', () => {
  it('store, print, list and delete; put makes the database', async () => {
    const location = newLocation()
    expect((await ckv(['put', location, 'grüße', 'wört'])).code).toBe(0)
    expect((await ckv(['get', location, 'grüße'])).stdout.toString()).toBe('wört\n')
    await ckv(['put', location, 'a:1', '1'])
    await ckv(['put', location, 'a:2', '2'])
    expect((await ckv(['ls', location])).lines).toEqual(['a:1', 'a:2', 'grüße'])
    expect((await ckv(['ls', location, '--prefix', 'a:', '--limit', '1'])).lines).toEqual(['a:1'])
    expect((await ckv(['del', location, 'a:1'])).code).toBe(0)
    const again = await ckv(['del', location, 'a:1'])
    expect([again.code, again.err]).toEqual([1, "ckv: There is no key 'a:1': nothing was deleted\n"])
    expect((await ckv(['get', location, 'a:1'])).code).toBe(1)
  })

  it.each(['utf8', 'hex'])(
    'refuse an stdin that never ends once it is longer than a value, as %s: 1',
    async encoding => {
      const chunk = Buffer.alloc(64 * 1024 * 1024, '0')
      let given = 0
      function* forever() {
        for (;;) {
          given += chunk.length
          yield chunk
        }
      }
      const location = newLocation()
      const put = ['put', location, '00', '-', '--encoding', encoding]
      const { code, err } = await ckv(put, { stdin: Readable.from(forever(), { highWaterMark: 1 }) })
      expect([code, err]).toEqual([1, expect.stringMatching(/^ckv: stdin has more than \d+ bytes/)])
      expect(given).toBeLessThan(1200 * 1024 * 1024)
      expect(existsSync(location)).toBe(false)
    }
  )

  it('take and print bytes as hex and base64, and from stdin', async () => {
    const location = newLocation()
    const value = noise(100_000)
    expect(
      (await ckv(['put', location, 'ff00', '-', '--encoding', 'hex'], { stdin: value.toString('hex') })).code
    ).toBe(0)
    expect((await ckv(['get', location, '/wA=', '--encoding', 'base64'])).out).toBe(value.toString('base64'))
    expect((await ckv(['ls', location])).lines).toEqual(['0xff00'])
    expect(await json(['ls', location])).toEqual({ key: { base64: '/wA=' } })
    await ckv(['put', location, 'raw', '-'], { stdin: value })
    expect((await ckv(['get', location, 'raw', '--raw'])).stdout.equals(value)).toBe(true)
  })

  it('control characters in keys do not reach a terminal', async () => {
    const location = newLocation()
    await ckv(['put', location, '\u001b[2J', 'x'])
    expect((await ckv(['ls', location])).lines).toEqual(['0x1b5b324a'])
  })

  it('make no database if the directory for the log is a file', async () => {
    const [location, file] = [newLocation(), join(temporaryDirectory(), 'file')]
    writeFileSync(file, '')
    for (const argv of [
      ['put', location, 'a', 'b'],
      ['import', location]
    ]) {
      const { code, err } = await ckv([...argv, '--wal', file])
      expect([code, err]).toEqual([1, `ckv: ${file} is a file: pass a directory\n`])
    }
    expect(existsSync(location)).toBe(false)
  })

  it('a value whose time is over is not there', async () => {
    const location = newLocation()
    await ckv(['put', location, 'short', 'x', '--ttl', '1'])
    await ckv(['put', location, 'long', 'x', '--ttl', '1000000'])
    await new Promise(resolve => setTimeout(resolve, 5))
    expect((await ckv(['ls', location])).lines).toEqual(['long'])
    expect((await ckv(['get', location, 'short'])).code).toBe(1)
    const { expiresAt } = await json<{ expiresAt: number }>(['get', location, 'long'])
    expect(expiresAt).toBeGreaterThan(Date.now())
  })

  it('del, gc and unwrap do not make a database', async () => {
    const location = newLocation()
    for (const argv of [
      ['del', location, 'a'],
      ['gc', location],
      ['unwrap', location]
    ]) {
      expect((await ckv(argv)).code).toBe(1)
    }
    expect(existsSync(location)).toBe(false)
  })

  it('a bare database is wrapped only when that is asked for', async () => {
    const location = await bare()
    for (const argv of [
      ['put', location, 'a', 'b'],
      ['del', location, 'user:001'],
      ['gc', location]
    ]) {
      const { code, err } = await ckv(argv)
      expect([code, err.includes('--wrap')]).toEqual([1, true])
    }
    expect((await ckv(['put', location, 'a', 'b', '--wrap'])).code).toBe(0)
    expect((await ckv(['put', location, 'a', 'c'])).code).toBe(0)
    expect((await ckv(['ls', location])).lines.length).toBe(31)
  })
})

describe('ckv gc', () => {
  it('recompresses with the policy and level that it is told, and says what it did', async () => {
    const location = await wrapped({ codec: 'none' })
    const report = await json<{ recompressed: number; complete: boolean }>(['gc', location, '--policy', 'lz4'])
    expect(report).toMatchObject({ recompressed: 25, complete: true })
    expect((await ckv(['gc', location, '--level', '9', '--bytes-per-second', '100M'])).out).toMatch(
      /recompressed +\d+\n/
    )
    const stats = await json<{ byCodec: { codec: string }[] }>(['stats', location])
    expect(stats.byCodec.map(({ codec }) => codec)).toContain('zstd')
  })

  it("says how large LevelDB's files are before and after", async () => {
    const location = await wrapped({ codec: 'none' })
    const before = filesIn(location)
    const { bytesOnDisk } = await json<{ bytesOnDisk: object }>(['gc', location, '--policy', 'zstd'])
    expect(bytesOnDisk).toEqual({ before, after: filesIn(location) })
    expect((await ckv(['gc', location])).out).toMatch(/LevelDB's files: [\d.]+ .?i?B before, [\d.]+ .?i?B now/)
  })

  it('an interrupted sweep ends with exit code 130, and the next one goes on', async () => {
    const location = await wrapped({ codec: 'none' })
    const { code, out } = await ckv(['gc', location], { signal: AbortSignal.abort() })
    expect([code, out.includes('interrupted')]).toEqual([130, true])
    expect((await ckv(['gc', location])).code).toBe(0)
  })
})

describe('ckv unwrap', () => {
  it('goes on where it was interrupted; until then nothing else is done', async () => {
    const location = await wrapped(
      {},
      Array.from({ length: 600 }, (_, i) => [`k${i}`, noise(300, i + 1)])
    )
    const abort = new AbortController()
    const level = bareLevel(location)
    const interrupted = unwrap(level, { signal: abort.signal, onProgress: () => abort.abort() })
    await expect(interrupted).rejects.toThrow('aborted')
    await level.close()
    for (const name of ['stats', 'verify', 'gc', 'ls']) {
      const { code, err } = await ckv([name, location])
      expect([code, err.includes('half unwrapped')]).toEqual([1, true])
    }
    expect((await ckv(['unwrap', location])).code).toBe(0)
    expect(await json(['stats', location])).toMatchObject({ values: 600, plain: 600 })
  })

  it('says when it is interrupted that it goes on when it is called once more: exit code 130', async () => {
    const location = await wrapped()
    const { code, err } = await ckv(['unwrap', location], { signal: AbortSignal.abort() })
    expect([code, err]).toEqual([
      130,
      `ckv: interrupted: run 'ckv unwrap' on ${location} once more; it goes on from there\n`
    ])
    expect((await ckv(['unwrap', location])).code).toBe(0)
  })

  it('leaves a bare database with the values', async () => {
    const location = await wrapped()
    expect(await json(['unwrap', location])).toEqual({ values: 30 })
    expect(await json(['stats', location])).toMatchObject({ values: 30, plain: 30, marker: null })
    const before = digests(location)
    expect((await ckv(['verify', location])).code).toBe(0)
    expect(digests(location)).toEqual(before)
    await withStore(location, {}, async store => expect((await store.get('user:001'))!.length).toBe(300))
  })
})

/** Bytes of the files that LevelDB keeps what it has in. */
function filesIn(location: string): number {
  const names = readdirSync(location).filter(name => /^(CURRENT|MANIFEST-|\d+\.)/.test(name))
  return names.reduce((sum, name) => sum + statSync(join(location, name)).size, 0)
}
