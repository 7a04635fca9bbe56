import { describe, expect, test } from 'vitest'
import { MemTable, TOMBSTONE } from '../../src/memtable/memtable.js'
import type { NameRange } from '../../src/memtable/name-range.js'
import { Overlay } from '../../src/memtable/overlay.js'
import type { RangeTombstone } from '../../src/memtable/range-tombstone.js'
import type { Frozen } from '../../src/memtable/tables.js'
import { nextTurn } from '../../src/turn.js'
import { Gate } from '../support/gate.js'
import { type Entries, frozenOf, isInOrder, shuffledNames } from './filled-tables.js'

const noPause = () => undefined

interface Options {
  readonly range?: NameRange
  readonly reverse?: boolean
  readonly seek?: string | undefined
}

async function overlayOf(
  frozen: readonly Frozen<string>[],
  { range = {}, reverse = false, seek }: Options = {}
): Promise<Overlay<string>> {
  const overlay = new Overlay(frozen, range, reverse)
  if (seek !== undefined) overlay.seek(seek)
  await overlay.prepare(noPause)
  return overlay
}

/** What it has from here on, as `name=value`, or `-name` for a tombstone. */
function rest(overlay: Overlay<string>): string[] {
  const entries: string[] = []
  for (let { head } = overlay; head !== undefined; { head } = overlay) {
    entries.push(head.found === TOMBSTONE ? `-${head.name}` : `${head.name}=${head.found}`)
    overlay.advance()
  }
  return entries
}

async function entriesOf(items: readonly (Entries | RangeTombstone)[], options?: Options): Promise<string[]> {
  return rest(await overlayOf(frozenOf(items), options))
}

const ITEMS: readonly (Entries | RangeTombstone)[] = [
  { a: '1', b: '1', c: '1', g: '1', h: '1' },
  { b: '2', d: '2', g: null },
  { start: 'c', end: 'e' },
  { d: '4', f: '4', h: null },
  { f: '5', g: '5' }
]
const MERGED = ['a=1', 'b=2', 'd=4', 'f=5', 'g=5', '-h']

describe('merging', () => {
  test('nothing has no entry', async () => {
    expect(await entriesOf([])).toEqual([])
    expect(await entriesOf([{ start: 'a', end: 'z' }])).toEqual([])
  })

  test('of each key the newest entry is there, in order', async () => {
    expect(await entriesOf(ITEMS)).toEqual(MERGED)
  })

  test('backwards as well', async () => {
    expect(await entriesOf(ITEMS, { reverse: true })).toEqual(MERGED.toReversed())
  })

  test('a tombstone is an entry, and hides older ones', async () => {
    expect(await entriesOf([{ a: '1', b: '1' }, { a: null }])).toEqual(['-a', 'b=1'])
    expect(await entriesOf([{ a: null }, { a: '2' }])).toEqual(['a=2'])
  })

  test('an empty name and an empty value are entries', async () => {
    expect(await entriesOf([{ '': '1', a: '' }, { '': '' }])).toEqual(['=', 'a='])
  })

  test('many tables are merged', async () => {
    const names = shuffledNames(200)
    const tables = Array.from({ length: 12 }, (_, i) => {
      const own = names.filter((_name, n) => n % 12 === i || n % 5 === i % 5)
      return Object.fromEntries(own.map(name => [name, String(i)]))
    })
    const newest = Object.assign({}, ...tables) as Record<string, string>
    const expected = names.toSorted().map(name => `${name}=${newest[name]}`)
    expect(await entriesOf(tables)).toEqual(expected)
    expect(await entriesOf(tables, { reverse: true })).toEqual(expected.toReversed())
  })

  test('past the end there is no head, however often it is advanced', async () => {
    const overlay = await overlayOf(frozenOf([{ a: '1' }]))
    for (let i = 0; i < 3; i++) {
      overlay.advance()
      expect(overlay.head).toBeUndefined()
    }
  })
})

describe('deleted ranges', () => {
  test('hide what is older and nothing that is newer', async () => {
    const range = { start: 'b', end: 'd' }
    expect(await entriesOf([{ a: '1', b: '1', c: '1', d: '1' }, range, { c: '2' }])).toEqual(['a=1', 'c=2', 'd=1'])
    expect(await entriesOf([range, { a: '1', b: '1', c: null }])).toEqual(['a=1', 'b=1', '-c'])
  })

  test('hide a run of entries, at either end and all', async () => {
    const table = { a: '1', b: '1', c: '1', d: '1' }
    for (const reverse of [false, true]) {
      expect(await entriesOf([table, { start: '', end: 'c' }], { reverse })).toEqual(
        reverse ? ['d=1', 'c=1'] : ['c=1', 'd=1']
      )
      expect(await entriesOf([table, { start: 'c', end: undefined }], { reverse })).toEqual(
        reverse ? ['b=1', 'a=1'] : ['a=1', 'b=1']
      )
      expect(await entriesOf([table, { start: '', end: undefined }], { reverse })).toEqual([])
    }
  })

  test('each hides only what is older than it', async () => {
    const items = [
      { a: '1', b: '1' },
      { start: 'a', end: 'b' },
      { a: '2', b: '2' },
      { start: 'b', end: 'c' },
      { c: '3' }
    ]
    expect(await entriesOf(items)).toEqual(['a=2', 'c=3'])
  })

  test('do not bring back what was overwritten before them', async () => {
    expect(await entriesOf([{ a: '1', b: '1' }, { a: '2' }, { start: 'a', end: 'b' }])).toEqual(['b=1'])
  })

  test('hide what the backend has, also where tables have something newer', () => {
    const overlay = new Overlay(
      frozenOf([{ start: 'b', end: 'd' }, { c: '1' }, { start: 'x', end: undefined }]),
      {},
      false
    )
    const hidden = Array.from('abcdewxz').filter(name => overlay.hides(Buffer.from(name)))
    expect(hidden).toEqual(['b', 'c', 'x', 'z'])
    expect(overlay.hides(Buffer.from([0xff, 0xff]))).toBe(true)
  })

  test('without them nothing in the backend is hidden', () => {
    const overlay = new Overlay(frozenOf([{ a: '1', b: null }]), {}, false)
    expect(['a', 'b', ''].map(name => overlay.hides(Buffer.from(name)))).toEqual([false, false, false])
  })
})

const BOUNDS = [undefined, '', 'b', 'bb', 'g', 'i']

function isIn(name: string, { gt, gte, lt, lte }: NameRange): boolean {
  if (gte === undefined ? gt !== undefined && name <= gt : name < gte) return false
  return lte === undefined ? lt === undefined || name < lt : name <= lte
}

const nameIn = (entry: string) => (entry.startsWith('-') ? entry.slice(1) : entry.slice(0, entry.indexOf('=')))

describe('ranges', () => {
  test.for(
    (['gt', 'gte'] as const).flatMap(low =>
      (['lt', 'lte'] as const).flatMap(high => [false, true].map(reverse => [low, high, reverse] as const))
    )
  )('%s and %s, reverse %s, sought or not', async ([low, high, reverse]) => {
    const frozen = frozenOf(ITEMS)
    const wrong: unknown[] = []
    for (const from of BOUNDS) {
      for (const to of BOUNDS) {
        const range = { [low]: from, [high]: to }
        for (const seek of BOUNDS) {
          const expected = MERGED.filter(entry => isIn(nameIn(entry), range)).filter(
            entry => seek === undefined || (reverse ? nameIn(entry) <= seek : nameIn(entry) >= seek)
          )
          if (reverse) expected.reverse()
          const found = rest(await overlayOf(frozen, { range, reverse, seek }))
          if (found.join() !== expected.join()) wrong.push({ range, seek, found, expected })
        }
      }
    }
    expect(wrong).toEqual([])
  })

  test('gte and lte win over gt and lt', async () => {
    expect(await entriesOf(ITEMS, { range: { gt: 'f', gte: 'b', lt: 'c', lte: 'f' } })).toEqual(['b=2', 'd=4', 'f=5'])
  })
})

describe('seeking', () => {
  test.for([false, true])('goes on from any name, forth and back, reverse %s', async reverse => {
    const overlay = await overlayOf(frozenOf(ITEMS), { reverse })
    const all = reverse ? MERGED.toReversed() : MERGED
    for (const target of ['d', 'a', '', 'h', 'c', 'zz', 'bb', 'd']) {
      overlay.seek(target)
      const expected = all.filter(entry => (reverse ? nameIn(entry) <= target : nameIn(entry) >= target))
      expect([target, rest(overlay)]).toEqual([target, expected])
    }
  })

  test('ends at the range, and does not leave it', async () => {
    const range = { gte: 'b', lt: 'f' }
    for (const [target, up, down] of [
      ['a', ['b=2', 'd=4'], []],
      ['z', [], ['d=4', 'b=2']],
      ['c', ['d=4'], ['b=2']]
    ] as const) {
      for (const reverse of [false, true]) {
        const overlay = await overlayOf(frozenOf(ITEMS), { range, reverse })
        overlay.seek(target)
        expect(rest(overlay)).toEqual(reverse ? down : up)
      }
    }
  })

  test('of several before the tables are in order the last one counts', async () => {
    const overlay = new Overlay(frozenOf(ITEMS), {}, false)
    for (const target of ['h', 'a', 'f']) overlay.seek(target)
    expect([overlay.isPrepared, overlay.head]).toEqual([false, undefined])
    await overlay.prepare(noPause)
    expect(rest(overlay)).toEqual(['f=5', 'g=5', '-h'])
  })

  test('while the tables are being put in order', async () => {
    const overlay = new Overlay(frozenOf(ITEMS), {}, false)
    const gate = new Gate()
    const prepared = overlay.prepare(() => gate.wait())
    await gate.reached
    overlay.seek('g')
    gate.open()
    await prepared
    expect(rest(overlay)).toEqual(['g=5', '-h'])
  })
})

describe('preparing', () => {
  test('puts every table in order, a step at a time', async () => {
    const frozen = frozenOf(
      [1, 2, 3].map(seed => Object.fromEntries(shuffledNames(4097, seed).map(name => [name, ''])))
    )
    const overlay = new Overlay(frozen, {}, false)
    const tables = frozen.flatMap(item => ('table' in item ? [item.table] : []))
    expect(tables.map(isInOrder)).toEqual([false, false, false])
    const gate = new Gate()
    const prepared = overlay.prepare(() => gate.wait())
    await gate.reached
    expect([overlay.isPrepared, overlay.head]).toEqual([false, undefined])
    gate.open()
    await prepared
    expect([overlay.isPrepared, gate.arrivals]).toEqual([true, 3 * 3])
    expect(tables.map(isInOrder)).toEqual([true, true, true])
  })

  test('again changes nothing', async () => {
    const overlay = await overlayOf(frozenOf(ITEMS))
    overlay.advance()
    await overlay.prepare(noPause)
    expect(overlay.head).toEqual({ name: 'b', found: '2' })
  })

  test('two overlays of the same tables do not disturb each other', async () => {
    const frozen = frozenOf(ITEMS)
    const up = new Overlay(frozen, {}, false)
    const down = new Overlay(frozen, { lt: 'g' }, true)
    await Promise.all([up.prepare(nextTurn), down.prepare(nextTurn)])
    up.advance()
    down.advance()
    expect([up.head?.name, down.head?.name]).toEqual(['b', 'd'])
    expect(rest(up)).toEqual(MERGED.slice(1))
    expect(rest(down)).toEqual(['d=4', 'b=2', 'a=1'])
  })

  test.each([false, true])('names that a range hides are passed over together (reverse: %s)', async reverse => {
    let looks = 0
    const hiding = {
      get start() {
        looks++
        return '1'
      },
      end: '9'
    }
    const names = ['0', ...shuffledNames(10_000).map(name => `5${name}`), '9']
    const items = [Object.fromEntries(names.map(name => [name, 'v'])), hiding, { '7': 'w' }]
    const expected = ['0=v', '7=w', '9=v']
    expect(await entriesOf(items, { reverse })).toEqual(reverse ? expected.toReversed() : expected)
    expect(looks).toBeLessThan(100)
    expect(await entriesOf(items, { reverse, range: { gte: '50', lt: '52' } })).toEqual([])
  })

  test('the list that it was made of may grow, be merged and flushed', async () => {
    const list = frozenOf([{ a: '1' }, { b: '2' }])
    const overlay = new Overlay(list, {}, false)
    const later = new MemTable<string>()
    later.put('c', '3')
    list.push(
      { table: later, firstSequence: 3, sequence: 3, weight: 1 },
      { clear: { start: '', end: undefined }, firstSequence: 4, sequence: 4, weight: 1 }
    )
    list.shift()
    await overlay.prepare(noPause)
    expect(rest(overlay)).toEqual(['a=1', 'b=2'])
    expect(overlay.hides(Buffer.from('a'))).toBe(false)
  })
})
