/** What was measured of one operation in one round. */
export interface Figure {
  /** Entries per second, ms or bytes. */
  readonly value: number
  /** Time that the main thread was busy, per entry. */
  readonly mainThreadUs?: number
}

type Measured =
  | 'put1'
  | 'put16'
  | 'put1000'
  | 'batch'
  | 'durable1'
  | 'durable1000'
  | 'get1'
  | 'get16'
  | 'get1000'
  | 'getSync'
  | 'getMany'
  | 'iterate'
  | 'reopen'
  | 'disk'
  | 'compacted'
  | 'memory'

export type Figures = Partial<Record<Measured, Figure>>

/** A column of the table, a plot, a cell of the overview. */
export interface Operation {
  readonly id: string
  readonly label: string
  readonly group: 'writing' | 'reading' | 'held'
  readonly unit: '/s' | 'ms' | 'B' | 'µs'
  readonly figureOf: (figures: Figures) => number | undefined
}

const value = (measured: Measured) => (figures: Figures) => figures[measured]?.value
const busy = (measured: Measured) => (figures: Figures) => figures[measured]?.mainThreadUs

export const OPERATIONS: readonly Operation[] = [
  { id: 'put1', label: 'put, 1', group: 'writing', unit: '/s', figureOf: value('put1') },
  { id: 'put16', label: 'put, 16', group: 'writing', unit: '/s', figureOf: value('put16') },
  { id: 'put1000', label: 'put, 1000', group: 'writing', unit: '/s', figureOf: value('put1000') },
  { id: 'batch', label: 'batch of 1000', group: 'writing', unit: '/s', figureOf: value('batch') },
  { id: 'durable1', label: 'durable, 1', group: 'writing', unit: '/s', figureOf: value('durable1') },
  { id: 'durable1000', label: 'durable, 1000', group: 'writing', unit: '/s', figureOf: value('durable1000') },
  { id: 'get1', label: 'get, 1', group: 'reading', unit: '/s', figureOf: value('get1') },
  { id: 'get16', label: 'get, 16', group: 'reading', unit: '/s', figureOf: value('get16') },
  { id: 'get1000', label: 'get, 1000', group: 'reading', unit: '/s', figureOf: value('get1000') },
  { id: 'getSync', label: 'getSync', group: 'reading', unit: '/s', figureOf: value('getSync') },
  { id: 'getMany', label: 'getMany of 100', group: 'reading', unit: '/s', figureOf: value('getMany') },
  { id: 'iterate', label: 'iterate', group: 'reading', unit: '/s', figureOf: value('iterate') },
  { id: 'reopen', label: 'reopen', group: 'held', unit: 'ms', figureOf: value('reopen') },
  { id: 'disk', label: 'on disk', group: 'held', unit: 'B', figureOf: value('disk') },
  { id: 'compacted', label: 'compacted', group: 'held', unit: 'B', figureOf: value('compacted') },
  { id: 'memory', label: 'memory', group: 'held', unit: 'B', figureOf: value('memory') },
  { id: 'cpuPut1', label: 'CPU put, 1', group: 'held', unit: 'µs', figureOf: busy('put1') },
  { id: 'cpuPut1000', label: 'CPU put, 1000', group: 'held', unit: 'µs', figureOf: busy('put1000') },
  { id: 'cpuGet1', label: 'CPU get, 1', group: 'held', unit: 'µs', figureOf: busy('get1') },
  { id: 'cpuGet1000', label: 'CPU get, 1000', group: 'held', unit: 'µs', figureOf: busy('get1000') }
]

/** The ratio to the baseline. Above 1 is better, whether the figure should be large or small. */
export function advantage({ unit }: Operation, figure: number, baseline: number): number {
  return unit === '/s' ? figure / baseline : baseline / figure
}
