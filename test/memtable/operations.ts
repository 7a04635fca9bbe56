import * as fc from 'fast-check'
import type { RangeTombstone } from '../../src/memtable/range-tombstone.js'

/** Bounds of names. */
export interface Bounds {
  readonly gt: string | undefined
  readonly gte: string | undefined
  readonly lt: string | undefined
  readonly lte: string | undefined
}

export type Op =
  | { readonly op: 'put' | 'del'; readonly name: string }
  | { readonly op: 'clear'; readonly range: RangeTombstone }
  | { readonly op: 'freeze' | 'view' }
  | { readonly op: 'flush'; readonly maxWeight: number }
  | { readonly op: 'endFlush'; readonly done: boolean }
  | { readonly op: 'iterate'; readonly range: Bounds; readonly reverse: boolean; readonly seek: string | undefined }
  | { readonly op: 'read'; readonly iterator: number; readonly count: number }
  | { readonly op: 'seek'; readonly iterator: number; readonly target: string }

/** Few names, so that they meet often. */
const name = fc.constantFrom('', 'a', 'aa', 'ab', 'b', 'ba', 'c', 'd', '\x7f', '\x80', '\xff', '\xff\xff')
const maybe = fc.option(name, { nil: undefined, freq: 1 })
/** Four bounds at once leave little to iterate. */
const rarely = fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: name })

export const operation: fc.Arbitrary<Op> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ op: fc.constant('put' as const), name }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('del' as const), name }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('clear' as const), range: fc.record({ start: name, end: maybe }) })
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constantFrom('freeze' as const, 'view' as const) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('flush' as const), maxWeight: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('endFlush' as const), done: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('iterate' as const),
      range: fc.record({ gt: rarely, gte: rarely, lt: rarely, lte: rarely }),
      reverse: fc.boolean(),
      seek: maybe
    })
  },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('read' as const), iterator: fc.nat(3), count: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('seek' as const), iterator: fc.nat(3), target: name }) }
)
