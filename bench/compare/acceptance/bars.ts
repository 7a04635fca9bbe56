import { median } from '../../harness/median.js'
import { countText } from '../../harness/number-text.js'
import { medianQuotient } from '../../harness/rounds.js'
import { type AcceptanceSettings, FEW_ENTRIES } from '../settings.js'
import type { Load } from './acceptance-child.js'
import { BURST_RECORDS, type Sample } from './loads.js'

/** All rounds of a load: those of this store, and those of the bare database. */
export interface Sides {
  readonly store: readonly Sample[]
  readonly bare: readonly Sample[]
}

interface Bar {
  readonly load: Load
  readonly what: string
  readonly sign: '>=' | '<='
  readonly bar: number
  readonly unit: '' | ' ms'
  readonly measured: (sides: Sides) => number
  /** The figures that this one was made from. */
  readonly details: (sides: Sides) => string
}

export function bars({ sustainedBytes, largeBytes, manyEntries }: AcceptanceSettings): readonly Bar[] {
  const sustained = `${sustainedBytes / 2 ** 20} MiB`
  const large = `${largeBytes / 2 ** 20} MiB of 2 MiB values, zstd`
  return [
    overBare('writes', 'burst', `puts, 1000 in flight, a burst of ${countText(BURST_RECORDS)}`, 2),
    overBare('sustained', 'sustained', `puts, 1000 in flight, ${sustained} sustained, close included`, 1.2),
    overBare('writes', 'put1', 'puts, one after another', 4),
    overBare('writes', 'durable1000', 'durable puts, 1000 in flight', 10),
    overBare('writes', 'durable1', 'durable puts, one after another', 1),
    overBare('writes', 'durable1Alone', 'the same in a database of their own', 1),
    overBare('reads', 'get1', 'get, one after another', 0.9),
    overBare('reads', 'get16', 'get, 16 in flight', 0.9),
    overBare('reads', 'get1000', 'get, 1000 in flight', 0.9),
    overBare('reads', 'getSync', 'getSync', 0.9),
    overBare('reads', 'iterate', 'iterate', 0.9),
    ...delays('sustained', `${sustained} sustained`),
    ...delays('large', large),
    ...delays('largePaced', `${large}, both at the rate that bare reaches`),
    processorTime(manyEntries)
  ]
}

const of = (samples: readonly Sample[], name: string) => samples.map(sample => sample[name]!)
const ms = (samples: readonly Sample[], name: string) => `${median(of(samples, name)).toFixed(1)} ms`
const us = (samples: readonly Sample[], name: string) => `${median(of(samples, name)).toFixed(2)} µs`

function overBare(load: Load, name: string, what: string, bar: number): Bar {
  return {
    load,
    what,
    sign: '>=',
    bar,
    unit: '',
    measured: ({ store, bare }) => medianQuotient(of(store, name), of(bare, name)),
    details: ({ store, bare }) => `${countText(median(of(store, name)))}/s, bare ${countText(median(of(bare, name)))}/s`
  }
}

function delays(load: Load, what: string): Bar[] {
  return [
    {
      load,
      what: `event loop delay p99 over bare's, ${what}`,
      sign: '<=',
      bar: 1.2,
      unit: '',
      measured: ({ store, bare }) => medianQuotient(of(store, 'delayP99Ms'), of(bare, 'delayP99Ms')),
      details: ({ store, bare }) => `${ms(store, 'delayP99Ms')}, bare ${ms(bare, 'delayP99Ms')}`
    },
    {
      load,
      what: `longest stall, ${what}`,
      sign: '<=',
      bar: 30,
      unit: ' ms',
      measured: ({ store }) => median(of(store, 'delayMaxMs')),
      details: ({ store, bare }) =>
        `worst round ${Math.max(...of(store, 'delayMaxMs')).toFixed(1)} ms, bare ${ms(bare, 'delayMaxMs')}`
    }
  ]
}

function processorTime(manyEntries: number): Bar {
  return {
    load: 'processor',
    what: `CPU of a put over ${countText(manyEntries)} entries / over ${countText(FEW_ENTRIES)}`,
    sign: '<=',
    bar: 1.5,
    unit: '',
    measured: ({ store }) => medianQuotient(of(store, 'putOverManyUs'), of(store, 'putOverFewUs')),
    details: ({ store, bare }) =>
      `${us(store, 'putOverManyUs')} / ${us(store, 'putOverFewUs')}, bare ${us(bare, 'putOverManyUs')} / ${us(bare, 'putOverFewUs')}`
  }
}
