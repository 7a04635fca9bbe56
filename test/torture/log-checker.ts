import { Wal, type WalEntry } from '../../src/index.js'
import { seededRandom } from '../support/seeded-random.js'
import { isRight, operations, recordOf, settingsOf } from './log-operations.js'

/** A record that is known to be in the log, and must stay there. */
interface Known {
  readonly key: string
  /** 0 if it was deleted before anybody saw where it lies. */
  readonly segment: number
  readonly offset: number
  readonly index: number
}

/** Holds a log that `log-writer.ts` was killed over against what that said, and remembers all that was ever found in it. */
export class LogChecker {
  readonly #directory: string
  /** By sequence number - 1. */
  readonly #known: Known[] = []
  /** Segments below may be gone. */
  #deletedBelow = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  async check(seed: number, lines: readonly string[]): Promise<{ acknowledged: number; recovered: number }> {
    for (const line of lines) {
      const [word, segment] = line.split(' ')
      if (word === 'delete') this.#deletedBelow = Math.max(this.#deletedBelow, Number(segment))
    }
    const random = seededRandom(seed + 2)
    const { codecOfValues, ...options } = settingsOf(seed + 3)
    // Now and then nothing is mended, so that the next process is the one that does, and may be killed over it.
    const readOnly = random() < 0.3
    const { wal, recovery } = await Wal.open({ dir: this.#directory, ...options, readOnly }).catch(
      (error: NodeJS.ErrnoException) => {
        if (readOnly && error.code === 'ENOENT') return Wal.open({ dir: this.#directory, ...options })
        throw error
      }
    )
    try {
      const before = this.#known.length
      const found = await this.#readAll(wal, seed)
      if (found !== recovery.records) throw new Error(`${recovery.records} records recovered, ${found} read`)
      this.#checkHistory(seed, before)
      const acknowledged = await this.#checkAcknowledged(wal, lines)
      const recovered = this.#known.length - before
      if (wal.nextSequence !== this.#known.length + 1) throw new Error(`The next number is ${wal.nextSequence}`)
      if (!readOnly && random() < 0.8) await this.#goOn(wal, seed + 4, codecOfValues)
      if (!readOnly && random() < 0.3) await this.#deleteHalf(wal)
      return { acknowledged, recovered }
    } finally {
      await wal.close()
    }
  }

  /** All of the log, against what is known; what is new becomes known. */
  async #readAll(wal: Wal, seed: number): Promise<number> {
    let found = 0
    let sequence = 0
    for await (const entry of wal.read()) {
      const { record } = entry
      if (found === 0) this.#checkBeginning(entry, seed)
      else if (record.sequence !== sequence + 1) throw new Error(`Record ${record.sequence} follows ${sequence}`)
      sequence = record.sequence
      found++
      const key = record.key.toString()
      if (!isRight(record)) throw new Error(`Record ${sequence}, ${key}, has other bytes`)
      const known = this.#known[sequence - 1]
      if (known === undefined) {
        if (sequence !== this.#known.length + 1)
          throw new Error(`Between ${this.#known.length} and ${sequence} is a gap`)
        this.#known.push({ key, ...entry.position })
      } else if (known.key !== key || !isAt(known, entry))
        throw new Error(`Record ${sequence} was ${known.key}, now ${key}`)
    }
    if (sequence !== this.#known.length)
      throw new Error(`${this.#known.length} records were found once, now ${sequence}`)
    return found
  }

  /** Only what was given up may be missing. */
  #checkBeginning({ record, position }: WalEntry, seed: number): void {
    // A process killed when it had made a segment leaves one without records: then the last record that is gone tells.
    const gone = this.#known[record.sequence - 2]
    const goneMayBe =
      record.sequence === 1 || (gone !== undefined && gone.segment > 0 && gone.segment < this.#deletedBelow)
    if (position.segment > Math.max(1, this.#deletedBelow) && !goneMayBe) {
      throw new Error(
        `The log begins with segment ${position.segment}, but only those below ${this.#deletedBelow} may go`
      )
    }
    let missing = record.sequence - 1 - this.#known.length
    if (missing <= 0) return
    for (const { keys } of operations(seed)) {
      for (const key of keys) {
        this.#known.push({ key, segment: 0, offset: 0, index: 0 })
        if (--missing === 0) return
      }
    }
  }

  /** What is new must be what the process appended, in order, from its first call on, whole calls. */
  #checkHistory(seed: number, from: number): void {
    let at = from
    for (const { keys, number } of operations(seed)) {
      if (at === this.#known.length) return
      for (const key of keys) {
        if (this.#known[at]?.key !== key) throw new Error(`Call ${number} is not whole: ${key} is missing at ${at + 1}`)
        at++
      }
    }
  }

  async #checkAcknowledged(wal: Wal, lines: readonly string[]): Promise<number> {
    let acknowledged = 0
    for (const line of lines) {
      const [word, ...numbers] = line.split(' ')
      if (word !== 'ack') continue
      acknowledged++
      const [operation, sequence, segment, offset, index] = numbers.map(Number) as [
        number,
        number,
        number,
        number,
        number
      ]
      const known = this.#known[sequence - 1]
      if (known === undefined) throw new Error(`Call ${operation} was acknowledged as record ${sequence}, and is lost`)
      const there = known.segment === segment && known.offset === offset && known.index === index
      const right = known.key.split(':')[1] === String(operation) && (there || known.segment === 0)
      if (!right) throw new Error(`Record ${sequence} should be call ${operation}, and is ${known.key}`)
      if (acknowledged % 50 !== 0 || segment < this.#deletedBelow) continue
      if ((await wal.get(sequence)).key.toString() !== known.key) throw new Error(`get(${sequence}) finds another`)
      const byPosition = await wal.get({ segment, offset, index })
      if (byPosition.sequence !== sequence) throw new Error(`The position of ${sequence} has ${byPosition.sequence}`)
    }
    return acknowledged
  }

  async #goOn(wal: Wal, seed: number, codec: 'lz4' | 'zstd' | undefined): Promise<void> {
    for (const { keys, number } of operations(seed)) {
      if (number === 5) return
      const positions = await wal.appendBatch(keys.map(key => recordOf(key, codec)))
      for (const [i, key] of keys.entries()) this.#known.push({ key, ...positions[i]! })
    }
  }

  async #deleteHalf(wal: Wal): Promise<void> {
    const { position } = wal
    this.#deletedBelow = Math.max(this.#deletedBelow, position.segment - (wal.stats().segments >> 1))
    await wal.deleteSegmentsBefore({ ...position, segment: this.#deletedBelow })
  }
}

function isAt(known: Known, { position }: WalEntry): boolean {
  return known.segment === position.segment && known.offset === position.offset && known.index === position.index
}
