import { CompressedKvError, whatIsCorrupt } from '../../errors.js'
import { recordOf, type Unseal } from '../format/decoded-frame.js'
import { FRAME_HEADER_BYTES, FRAME_TYPE, readU64 } from '../format/format.js'
import { RecordCursor } from '../format/record-cursor.js'
import type { RestoredFrame } from '../reading/frame-reader.js'
import { FrameIndex } from '../segments/frame-index.js'
import type { RecoveredSegment, Run } from '../segments/recovered-segment.js'
import type { CorruptRange } from './recovered-log.js'
import type { SalvagedRecords } from './salvaged-records.js'

/** What is found in all segments of a damaged log. */
export interface Findings {
  readonly unseal: Unseal
  readonly salvaged: SalvagedRecords
  readonly corrupt: CorruptRange[]
  /** Intact frames with records whose envelopes are damaged. */
  readonly unreadable: CorruptRange[]
}

/** Collects what is left of one segment of a damaged log, run after run of intact frames. */
export class SalvagedSegment {
  readonly #id: number
  readonly #seed: number
  readonly #findings: Findings
  readonly #runs: Run[] = []
  #index: FrameIndex | undefined
  /** Whether the index has an entry in the run that is being read. */
  #runIsIndexed = false
  /** How many records can be read. */
  records = 0

  /** @param seed see `segmentSeed` */
  constructor(id: number, seed: number, findings: Findings) {
    this.#id = id
    this.#seed = seed
    this.#findings = findings
  }

  /** Adds an intact frame. Each call must be awaited before the next. */
  async add({ frame, payload }: RestoredFrame): Promise<void> {
    const { type, firstSequence } = frame.header
    if (type === FRAME_TYPE.seal) return
    this.#index ??= new FrameIndex(firstSequence)
    const { salvaged } = this.#findings
    const place = { segment: this.#id, offset: frame.offset }
    if (type === FRAME_TYPE.snapshotBegin) salvaged.begin(place, readU64(payload, 0))
    else if (type === FRAME_TYPE.snapshotEnd) salvaged.end(readU64(payload, 0))
    else await this.#addRecords({ frame, payload }, this.#index)
  }

  async #addRecords({ frame, payload }: RestoredFrame, index: FrameIndex): Promise<void> {
    const { offset, header } = frame
    const { type, firstSequence, count, storedLength } = header
    const { unseal, salvaged, unreadable } = this.#findings
    const { indexes, why } = await unreadableRecords(payload, unseal)
    const readable = count - indexes.size
    this.records += readable
    if (readable < count) {
      const to = offset + FRAME_HEADER_BYTES + storedLength
      const what = `${indexes.size} of its ${count} records cannot be read: ${why}`
      unreadable.push({ segment: this.#id, from: offset, to, why: what })
    }
    if (type === FRAME_TYPE.snapshotData) {
      salvaged.addOfSnapshot({ segment: this.#id, offset }, readable)
      return
    }
    for (let i = 0; i < count; i++) salvaged.add(firstSequence + i, !indexes.has(i))
    index.add(offset, firstSequence, count, !this.#runIsIndexed)
    this.#runIsIndexed = true
  }

  /** Ends a run of frames that follow one another. */
  endRun(from: number, to: number): void {
    if (to > from) this.#runs.push({ from, to })
    this.#runIsIndexed = false
  }

  skip(from: number, to: number, why: string): void {
    this.#findings.corrupt.push({ segment: this.#id, from, to, why })
  }

  /** What readers get of it; undefined if there is nothing. */
  get recovered(): RecoveredSegment | undefined {
    const index = this.#index
    if (index === undefined) return undefined
    const { firstSequence } = index
    return { id: this.#id, seed: this.#seed, firstSequence, runs: this.#runs, index, snapshots: [] }
  }
}

/** The indexes of records whose envelopes cannot be opened, and the reason for the last of them. */
async function unreadableRecords(payload: Buffer, unseal: Unseal): Promise<{ indexes: Set<number>; why: string }> {
  const indexes = new Set<number>()
  let why = ''
  const records = new RecordCursor(payload)
  for (let i = 0; records.next(); i++) {
    if (!records.sealed) continue
    try {
      await recordOf(records, records.key, records.value, 0, unseal)
    } catch (error) {
      if (!(error instanceof CompressedKvError)) throw error
      indexes.add(i)
      why = whatIsCorrupt(error)
    }
  }
  return { indexes, why }
}
