import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { type EntryLine, lineText } from '../../src/cli/entry-lines.js'
import { Failure } from '../../src/cli/failure.js'
import { noise, text } from '../support/sample-values.js'
import { killed, newLocation, wrapped } from './databases.js'
import { ckv } from './run.js'

vi.mock('../../src/cli/input-lines.js', async original => ({
  ...(await original<object>()),
  MAX_LINE_CHARACTERS: 10_000
}))

const ENTRIES: [string, Buffer][] = [
  ['a', Buffer.from('short')],
  ['long:bytes', noise(9000, 1)],
  ['long:text', text(20_000)],
  ['z', Buffer.from('behind')]
]

/** Throws what JSON.stringify() does, after seconds, for a value whose line would be too long. */
const tooLong = () => 'far too long'.repeat(2 ** 27)

describe('values whose lines import could not read', () => {
  it('export names them and leaves them out, and goes on: exit code 1', async () => {
    const location = await wrapped({}, ENTRIES)
    const { code, lines, err } = await ckv(['export', location])
    expect([code, lines]).toEqual([1, ['{"key":"a","value":"short"}', '{"key":"z","value":"behind"}']])
    expect(err.trim().split('\n')).toEqual([
      expect.stringMatching(/^ckv: left out long:bytes: its line would be longer than 'ckv import' reads/),
      expect.stringMatching(/^ckv: left out long:text: /)
    ])
    expect((await ckv(['import', newLocation()], { stdin: lines.join('\n') })).out).toBe('2 values imported')
  })

  it('are refused with a remedy if no string can be so long, as for 90 MiB of zeros', () => {
    const line = { key: 'zeros', value: { base64: '', toJSON: tooLong } } as EntryLine
    expect(() => lineText(line)).toThrow(Failure)
  })

  it('wal --salvage names them and leaves them out, and goes on: exit code 1', async () => {
    const location = await killed(ENTRIES)
    const out = join(newLocation(), '..', 'salvaged')
    const { code, err } = await ckv(['wal', location, '--salvage', out])
    expect([code, err.includes('left out long:bytes'), err.includes('left out long:text')]).toEqual([1, true, true])
    const last = readFileSync(out, 'utf8').trim().split('\n').at(-1)
    expect(last).toContain('"key":"z"')
  })
})
