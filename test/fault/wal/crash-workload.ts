import { Record } from '../../../src/wal/format/record.js'
import type { WalOptions } from '../../../src/wal/options.js'
import type { Wal } from '../../../src/wal/wal.js'
import type { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { seededRandom } from '../../support/seeded-random.js'
import { openLog, putLine } from './log-disk.js'

/** One call of append or appendBatch, and what it was told. */
interface Append {
  readonly count: number
  /** Of its first record, if all before it are written. */
  readonly first: number
  readonly sync: boolean
  acknowledged: boolean
  segment: number
}

export type Policy = NonNullable<WalOptions['fsync']>

/**
 * What somebody does to a log until it dies under them, and what they were promised until then. Records are numbered; their values
 * follow from the numbers.
 */
export class CrashWorkload {
  readonly #policy: Policy
  readonly #random: () => number
  readonly #appends: Append[] = []
  /** Records up to this number were acknowledged as being on stable storage. */
  #durable = 0
  /** Records from this number on were never to be deleted. */
  #kept = 1
  #nextNumber = 1

  constructor(policy: Policy, seed: number) {
    this.#policy = policy
    this.#random = seededRandom(seed)
  }

  /** Opens a log, appends in many ways, rotates, deletes, closes, opens it again and goes on; until it throws. */
  async run(fs: CrashableFileSystem): Promise<void> {
    const options: WalOptions = { fsync: this.#policy, fsyncIntervalMs: 1, segmentBytes: 1300, codec: 'none' }
    const first = (await openLog(fs, options)).wal
    await this.#append(first, 1)
    await Promise.all([this.#append(first, 2), this.#append(first, 1), this.#append(first, 5, true)])
    for (let i = 0; i < 4; i++) {
      await this.#append(first, 1 + Math.floor(this.#random() * 4))
      await Promise.all([this.#append(first, 1), this.#append(first, 3)])
    }
    await this.#sync(first)
    await this.#append(first, 2)
    await first.close()
    this.#durable = this.#nextNumber - 1

    const second = (await openLog(fs, options)).wal
    for (let i = 0; i < 4; i++) await this.#append(second, 4, this.#random() < 0.3)
    await this.#deleteBefore(second)
    await Promise.all([this.#append(second, 3), this.#sync(second), this.#append(second, 2, true)])
    // Not closed.
  }

  /**
   * Holds what is there after a crash against what was promised.
   *
   * @param lines of all records there are
   * @param allSurvives whether nothing that was written is lost
   * @throws what is wrong, as text
   */
  check(lines: readonly string[], allSurvives: boolean): void {
    const first = lines.length === 0 ? this.#nextNumber : Number.parseInt(lines[0]!)
    for (const [i, line] of lines.entries()) {
      if (line !== putLine(first + i, keyOf(first + i), valueOf(first + i))) {
        throw new Error(`record ${first + i} is not what was appended, or not in order: ${line.slice(0, 40)}`)
      }
    }
    const next = lines.length === 0 ? 1 : first + lines.length
    if (lines.length > 0 && first > this.#kept) throw new Error(`begins with ${first}, and ${this.#kept} was kept`)
    const ends = [1, ...this.#appends.map(append => append.first + append.count)]
    if (!ends.includes(next)) throw new Error(`ends within a batch, with ${next - 1}`)
    const promised = this.#promised(allSurvives)
    if (next <= promised) throw new Error(`${promised} was promised to be there, but it ends with ${next - 1}`)
  }

  /** The last record that has to be there. */
  #promised(allSurvives: boolean): number {
    const acknowledged = this.#appends.filter(append => append.acknowledged)
    const newestSegment = Math.max(0, ...acknowledged.map(({ segment }) => segment))
    const promised = acknowledged
      // A segment is on stable storage before the next one takes anything.
      .filter(({ sync, segment }) => allSurvives || sync || this.#policy === 'always' || segment < newestSegment)
      .map(({ first, count }) => first + count - 1)
    return Math.max(this.#durable, ...promised)
  }

  async #append(wal: Wal, count: number, sync = false): Promise<void> {
    const first = this.#nextNumber
    this.#nextNumber += count
    const append: Append = { count, first, sync, acknowledged: false, segment: 0 }
    this.#appends.push(append)
    const records = Array.from({ length: count }, (_, i) => Record.put(keyOf(first + i), valueOf(first + i)))
    const positions = count === 1 ? [await wal.append(records[0]!, { sync })] : await wal.appendBatch(records, { sync })
    append.acknowledged = true
    append.segment = positions[0]!.segment
  }

  async #sync(wal: Wal): Promise<void> {
    const upTo = this.#nextNumber - 1
    await wal.sync()
    this.#durable = Math.max(this.#durable, upTo)
  }

  /** Deletes all segments but the last, and keeps what is in it. */
  async #deleteBefore(wal: Wal): Promise<void> {
    const { position } = wal
    const kept = this.#appends.find(({ acknowledged, segment }) => acknowledged && segment === position.segment)
    this.#kept = kept?.first ?? this.#nextNumber
    await wal.deleteSegmentsBefore(position)
  }
}

function keyOf(number: number): string {
  return `key ${number}`
}

function valueOf(number: number): string {
  return `value ${number} `.repeat(1 + ((number * 7) % 11))
}
