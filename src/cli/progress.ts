import progress, { type GenericFormatter, type SingleBar } from 'cli-progress'
import { type Database, endKeys } from './database/classic-level.js'
import type { Streams } from './output.js'

/** Shows on a terminal how far a command is. Elsewhere it shows nothing. */
export interface Bar {
  /** The command goes through this database in the order of keys. */
  over(database: Database): Promise<void>
  /** The command is at this key. */
  at(key: Buffer): Promise<void>
  /** The command has done this many, of an unknown number. */
  done(count: number): void
  stop(): void
}

const REDRAW_MS = 200
const STEPS = 1000

export const NO_BAR: Bar = { over: async () => {}, at: async () => {}, done: () => {}, stop: () => {} }

export function bar(streams: Streams, label: string): Bar {
  return streams.stderr.isTTY === true ? new TerminalBar(streams, label) : NO_BAR
}

class TerminalBar implements Bar {
  readonly #bar: SingleBar
  #database: Database | undefined
  #first: Buffer = Buffer.alloc(0)
  #bytes = 0
  #drawnAt = 0

  constructor({ stderr }: Streams, label: string) {
    const format: GenericFormatter = (options, { progress: share }, { done }: { done?: number }) =>
      done === undefined
        ? `${label} ${progress.Format.BarFormat(share, options)} ${Math.round(share * 100)} %`
        : `${label} ${done}`
    this.#bar = new progress.SingleBar(
      { format, stream: stderr, clearOnComplete: true, hideCursor: true },
      progress.Presets.shades_classic
    )
    this.#bar.start(STEPS, 0)
  }

  async over(database: Database): Promise<void> {
    const ends = await endKeys(database)
    if (ends === undefined) return
    this.#first = ends[0]
    this.#bytes = await database.approximateSize(...ends)
    this.#database = database
  }

  /** How far it is follows from the key's place in LevelDB's files. */
  async at(key: Buffer): Promise<void> {
    if (this.#database === undefined || this.#bytes === 0 || performance.now() - this.#drawnAt < REDRAW_MS) return
    this.#drawnAt = performance.now()
    const share = (await this.#database.approximateSize(this.#first, key)) / this.#bytes
    this.#bar.update(Math.min(STEPS, Math.round(share * STEPS)))
  }

  done(count: number): void {
    this.#bar.update(0, { done: count })
  }

  stop(): void {
    this.#bar.stop()
  }
}
