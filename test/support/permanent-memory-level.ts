import { MemoryLevel } from 'memory-level'
import type { Unsynced } from './crashable-disk.js'
import { SimulatedCrash } from './crashable-process.js'
import { seededRandom } from './seeded-random.js'

type Operation = { type: 'put' | 'del'; key: Buffer; value?: Buffer }
interface WriteOptions {
  readonly sync?: boolean
}

/** abstract-level's private side of MemoryLevel. */
interface Implementation {
  _batch(operations: readonly Operation[], options: object): Promise<void>
}

interface Batch {
  readonly operations: readonly Operation[]
  readonly sync: boolean
}

/** What a backend has written: every batch, and whether it was on stable storage when that was acknowledged. */
export class BackendDisk {
  #batches: Batch[]
  #crashStep = Infinity
  #crashMidway = false
  #crashShare = 1
  #onCrash: () => void = () => {}
  /** Whether the machine is off, by another's doing. */
  #isOff: () => boolean = () => false
  #isDead = false
  /** Batches so far. */
  steps = 0

  constructor(batches: readonly Batch[] = []) {
    this.#batches = [...batches]
  }

  /**
   * The machine dies at that batch, the first being 1: before it is written, or, midway, after, with nobody told.
   *
   * @param how `share` of its operations, from the first on, are written then: a backend may promise less than whole batches
   */
  crashAt(step: number, { midway = false, share = 1, onCrash = () => {} } = {}): void {
    this.#crashStep = step
    this.#crashMidway = midway
    this.#crashShare = share
    this.#onCrash = onCrash
  }

  /** Nothing is written, and nothing answered, while it says so. */
  diesWith(isOff: () => boolean): void {
    this.#isOff = isOff
  }

  get isDead(): boolean {
    return this.#isDead || this.#isOff()
  }

  get batches(): readonly Batch[] {
    return this.#batches
  }

  live(): void {
    if (this.isDead) throw new SimulatedCrash(`The backend died at batch ${this.steps}`)
  }

  write(batch: Batch): void {
    this.live()
    this.steps++
    const dies = this.steps === this.#crashStep
    if (!dies) return void this.#batches.push(batch)
    const { operations, sync } = batch
    const written = operations.slice(0, Math.floor(operations.length * this.#crashShare))
    if (this.#crashMidway) this.#batches.push({ operations: written, sync })
    this.#isDead = true
    this.#onCrash()
    this.live()
  }

  /** As another process finds it: after a power cut, or with all of it. A batch is there or not; any that was not synced may be missing. */
  afterCrash({ unsynced, seed = 0 }: { unsynced: Unsynced; seed?: number }): BackendDisk {
    const random = seededRandom(seed)
    const survives = () => unsynced === 'all' || (unsynced === 'some' && random() < 0.5)
    // What survived is on stable storage from then on.
    const kept = this.#batches.filter(({ sync }) => sync || survives())
    return new BackendDisk(kept.map(({ operations }) => ({ operations, sync: true })))
  }

  /** The same, for another process that is alive. */
  clone(): BackendDisk {
    return new BackendDisk(this.#batches)
  }
}

/** A MemoryLevel that keeps what it has on a simulated disk, and says so. */
export class PermanentMemoryLevel extends MemoryLevel<string, Buffer> {
  readonly disk: BackendDisk

  constructor(disk = new BackendDisk()) {
    super({ valueEncoding: 'buffer' })
    this.disk = disk
    Object.assign(this.supports, { permanence: true })
  }

  async _open(): Promise<void> {
    for (const { operations } of this.disk.batches) await base._batch.call(this, operations, {})
  }

  _put(key: Buffer, value: Buffer, options: WriteOptions): Promise<void> {
    return this._batch([{ type: 'put', key, value }], options)
  }

  _del(key: Buffer, options: WriteOptions): Promise<void> {
    return this._batch([{ type: 'del', key }], options)
  }

  async _batch(operations: readonly Operation[], options: WriteOptions): Promise<void> {
    this.disk.live()
    await new Promise(resolve => setImmediate(resolve))
    const copies = operations.map(({ type, key, value }) => ({
      type,
      key: Buffer.from(key),
      ...(value === undefined ? {} : { value: Buffer.from(value) })
    }))
    this.disk.write({ operations: copies, sync: options.sync === true })
    await base._batch.call(this, copies, {})
  }

  async _clear(options: object): Promise<void> {
    const keys = await this.keys({ ...options, keyEncoding: 'buffer' } as object).all()
    await this._batch(
      keys.map(key => ({ type: 'del', key: key as unknown as Buffer })),
      {}
    )
  }
}

const base = MemoryLevel.prototype as unknown as Implementation
