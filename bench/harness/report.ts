import Table from 'cli-table3'

type Figures = Readonly<Record<string, string | number | boolean | null>>

/** What a benchmark prints, and what --json keeps of it. */
export interface Report {
  /** Prints a title, and below it what is measured against what. */
  section(title: string, ...notes: readonly string[]): void
  line(text: string): void
  /** Prints a table. The first column is text; the others are figures, to the right. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void
  /** Compares a figure with its bar and prints ok or BELOW. BELOW means that the bar is missed, also for figures that should be small. */
  bar(what: string, measured: number, atLeastOrMost: '>=' | '<=', bar: number): void
  /** Keeps figures for --json. */
  record(benchmark: string, figures: Figures): void
  readonly records: readonly Figures[]
}

export function createReport(print: (text: string) => void = console.log): Report {
  const records: Figures[] = []
  const record: Report['record'] = (benchmark, figures) => void records.push({ benchmark, ...figures })
  return {
    records,
    record,
    line: print,
    section: (title, ...notes) => print(['', title, '-'.repeat(title.length), ...notes].join('\n')),
    table: (head, rows) => print(tableText(head, rows)),
    bar: (what, measured, sign, bar) => {
      const holds = sign === '>=' ? measured >= bar : measured <= bar
      const verdict = holds ? 'ok' : 'BELOW'
      print(`bar  ${what.padEnd(62)} ${measured.toFixed(2).padStart(5)} ${sign} ${bar.toFixed(2)}  ${verdict}`)
      record('bar', { what, measured, sign, bar, holds })
    }
  }
}

function tableText(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: NO_LINES
  })
  for (const row of rows) table.push([...row])
  return table.toString()
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ''
}
