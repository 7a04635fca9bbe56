import { type LogRecord, Record } from 'compressed-kv'
import { median } from '../harness/median.js'
import { threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate } from '../harness/rounds.js'
import { jsonPayload, payloadText, recordsOf } from './payload.js'
import { medianOf } from './rates.js'
import { inLog } from './temporary-log.js'

const VALUE_BYTES = 100
/** How many records are appended in one turn of the event loop: so few that they fit into one frame, and none is compressed or written meanwhile. */
const IN_ONE_TURN = 500
const TURNS = 400
const ROUNDS = 3
/** The most ns for a record. */
const BAR = 200

/** Measures how long a call of append() takes until it returns. The rest happens later, a frame at a time. */
export async function benchOpenFrame(report: Report, corpus: string | undefined): Promise<void> {
  const json = jsonPayload(corpus)
  const records = recordsOf(json, VALUE_BYTES).slice(0, IN_ONE_TURN)
  report.section(
    `Append of ${VALUE_BYTES} B into the open frame, the synchronous part`,
    `${payloadText(json)}; policy os. The time of ${IN_ONE_TURN} calls in one turn of the event loop, all into one frame: nothing is compressed`,
    'or written meanwhile. append(): checks, copy, promise and its closures. appendBatch(): the same with one promise for all, and so',
    `little but the copy. copy: a bare set() of key and value. Median of ${TURNS} turns, ${ROUNDS} rounds in turns.`
  )
  const contenders = [
    { name: 'append()', run: () => appends(records, wal => records.map(record => wal.append(record))) },
    { name: 'appendBatch()', run: () => appends(records, wal => [wal.appendBatch(records)]) },
    {
      name: 'Record.put() and append()',
      run: () => appends(records, wal => records.map(again => wal.append(remade(again))))
    },
    { name: 'copy', run: () => copies(records) }
  ]
  const rounds = await alternate(ROUNDS, contenders, contender => contender.run())
  const nanoseconds = rounds.map(ofContender => medianOf(ofContender, time => time))
  report.line('')
  report.table(
    ['', 'ns a record'],
    contenders.map(({ name }, i) => [name, threeDigits(nanoseconds[i]!)])
  )
  for (const [i, { name }] of contenders.entries()) {
    report.record('wal open frame', { contender: name, valueBytes: VALUE_BYTES, nanoseconds: nanoseconds[i]! })
  }
  report.line('')
  report.bar('append into the open frame, encoding alone, ns', nanoseconds[1]!, '<=', BAR)
  report.bar('append(), its promise included, ns', nanoseconds[0]!, '<=', BAR)
}

interface Appender {
  append(record: LogRecord): Promise<unknown>
  appendBatch(records: readonly LogRecord[]): Promise<unknown>
}

/** @returns ns for a record */
async function appends(records: readonly LogRecord[], turn: (wal: Appender) => Promise<unknown>[]): Promise<number> {
  return inLog({ fsync: 'os' }, async wal => {
    const times: number[] = []
    for (let i = 0; i < TURNS; i++) {
      const start = performance.now()
      const appended = turn(wal)
      times.push(((performance.now() - start) * 1e6) / records.length)
      await Promise.all(appended)
    }
    return median(times)
  })
}

async function copies(records: readonly LogRecord[]): Promise<number> {
  const into = Buffer.alloc(64 * 1024)
  const times: number[] = []
  for (let i = 0; i < TURNS; i++) {
    const start = performance.now()
    let at = 0
    for (const { key, value } of records) {
      into.set(key, at)
      into.set(value, at + key.length)
      at += key.length + value.length
    }
    times.push(((performance.now() - start) * 1e6) / records.length)
  }
  return median(times)
}

function remade({ key, value }: LogRecord): LogRecord {
  return Record.put(key, value)
}
