import type { MemTableOptions } from '../../../src/store/options/memtable-options.js'
import type { WalOptions } from '../../../src/wal/options.js'
import type { Unsynced } from '../../support/crashable-disk.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { intercept } from '../../support/intercept.js'
import {
  killed,
  logOn,
  memoryLevel,
  openLogged,
  powerCut,
  type Store,
  type StoreOptions
} from '../../support/logged-store.js'
import { mortal } from '../../support/mortal-file-system.js'
import { BackendDisk, PermanentMemoryLevel } from '../../support/permanent-memory-level.js'

export type Policy = NonNullable<WalOptions['fsync']>

/** Where it dies: at a call that changes a file of the log, or at one that changes the backend. */
export interface Death {
  readonly at: 'file' | 'backend'
  readonly step: number
  /** 'midway': with a part of what it does done, and nobody told. */
  readonly when: 'before' | 'midway' | 'after'
}

/** All of them; what is after one file call is before the next. */
export const DEATHS: readonly Omit<Death, 'step'>[] = [
  { at: 'file', when: 'before' },
  { at: 'file', when: 'midway' },
  { at: 'backend', when: 'before' },
  { at: 'backend', when: 'midway' },
  { at: 'backend', when: 'after' }
]

/** What of the unsynced survives: of the log, and of the backend. A seed is for 'some'. */
interface Loss {
  readonly log: Unsynced
  readonly backend: Unsynced
  readonly seed: number
}

/** Those that are tried with a crash at a step. */
export function lossesAt(step: number): readonly Loss[] {
  return [
    { log: 'all', backend: 'all', seed: 0 },
    // What the backend was given without being told to sync it is there, the end of the log is not; or the other way round.
    { log: 'none', backend: step % 2 ? 'all' : 'none', seed: 0 },
    { log: 'some', backend: 'some', seed: step }
  ]
}

/** Flushes all the time, a few writes at once. */
const TINY: MemTableOptions = { flushBytes: 1500, maxBytes: 8000, flushIntervalMs: 1 }

/** Flushes when it is told to. */
export const LAZY: MemTableOptions = { flushIntervalMs: Infinity }

export interface Settings extends Pick<StoreOptions, 'codec' | 'dictionary'> {
  readonly wal?: WalOptions
  readonly memtable?: MemTableOptions
}

/** A log and a backend on simulated disks. */
export interface Machine {
  /** Calls so far that changed something, files of the log or the backend. */
  steps(at: Death['at']): number
  isDead(): boolean
  die(death: Death): void
  open(settings?: Settings): Promise<Store>
  /** What another process finds after a power cut. */
  afterPowerCut(loss: Loss): Machine
  /** What another process finds when this one was killed. */
  afterKill(): Machine
}

/** Over a backend that keeps what it gets. */
export class PermanentMachine implements Machine {
  readonly fs: CrashableFileSystem
  readonly disk: BackendDisk
  #diesAt: Death | undefined

  constructor(fs = new CrashableFileSystem(), disk = new BackendDisk()) {
    this.fs = fs
    this.disk = disk
  }

  steps(at: Death['at']): number {
    return at === 'file' ? this.fs.steps : this.disk.steps
  }

  isDead(): boolean {
    return this.disk.isDead || (this.#diesAt?.at === 'file' && this.fs.steps >= this.#diesAt.step)
  }

  die(death: Death): void {
    this.#diesAt = death
    const { at, step, when } = death
    const midway = when !== 'before'
    if (at === 'file') {
      this.fs.crashAt(step, { midway })
      this.disk.diesWith(() => this.fs.steps >= step)
    } else {
      this.disk.crashAt(step, { midway, share: when === 'midway' ? 0.5 : 1, onCrash: () => this.fs.crash() })
    }
  }

  open({ wal, memtable = TINY, ...options }: Settings = {}): Promise<Store> {
    const log = logOn(
      mortal(this.fs, () => this.isDead()),
      wal
    )
    return openLogged(log, new PermanentMemoryLevel(this.disk), { ...options, memtable })
  }

  afterPowerCut({ log, backend, seed }: Loss): PermanentMachine {
    return new PermanentMachine(powerCut(this.fs, log, seed), this.disk.afterCrash({ unsynced: backend, seed }))
  }

  afterKill(): PermanentMachine {
    return new PermanentMachine(killed(this.fs), this.disk.clone())
  }
}

/** Over a MemoryLevel: the log is the database. */
export class MemoryMachine implements Machine {
  readonly fs: CrashableFileSystem
  #plain: readonly (readonly [string, string])[]
  #calls = 0
  #diesAt: Death | undefined
  #isDead = false

  /** @param plain what the first process puts into its MemoryLevel before it wraps it */
  constructor(fs = new CrashableFileSystem(), plain: readonly (readonly [string, string])[] = []) {
    this.fs = fs
    this.#plain = plain
  }

  steps(at: Death['at']): number {
    return at === 'file' ? this.fs.steps : this.#calls
  }

  isDead(): boolean {
    return this.#isDead || (this.#diesAt?.at === 'file' && this.fs.steps >= this.#diesAt.step)
  }

  die(death: Death): void {
    this.#diesAt = death
    if (death.at === 'file') this.fs.crashAt(death.step, { midway: death.when !== 'before' })
  }

  async open({ wal, memtable = TINY, ...options }: Settings = {}): Promise<Store> {
    const backend = memoryLevel()
    for (const [key, value] of this.#plain) await backend.put(key, Buffer.from(value, 'latin1'))
    this.#plain = []
    // A part of a change in memory is gone with all of it: only the moment matters.
    intercept(backend, ['_put', '_del', '_batch', '_clear'], async ({ proceed }) => {
      this.#live()
      const dies = ++this.#calls === this.#diesAt?.step && this.#diesAt.at === 'backend'
      if (dies && this.#diesAt!.when !== 'after') this.#crash()
      await proceed()
      if (dies) this.#crash()
      this.#live()
    })
    const log = logOn(
      mortal(this.fs, () => this.isDead()),
      wal
    )
    return openLogged(log, backend, { ...options, memtable })
  }

  afterPowerCut({ log, seed }: Loss): MemoryMachine {
    return new MemoryMachine(powerCut(this.fs, log, seed))
  }

  afterKill(): MemoryMachine {
    return new MemoryMachine(killed(this.fs))
  }

  #crash(): void {
    this.#isDead = true
    this.fs.crash()
    this.#live()
  }

  #live(): void {
    if (this.isDead()) throw new Error('The process is dead')
  }
}

/** Runs `work` on a machine that is to die; whether it died. The store is closed then, as far as that goes: a timer would run on. */
export async function until(
  machine: Machine,
  death: Death | undefined,
  work: (open: (settings?: Settings) => Promise<Store>) => Promise<void>
): Promise<boolean> {
  if (death !== undefined) machine.die(death)
  const stores: Store[] = []
  try {
    await work(async settings => {
      const store = await machine.open(settings)
      stores.push(store)
      return store
    })
  } catch (error) {
    if (!machine.isDead()) throw error
  }
  const died = machine.isDead()
  // What is left of a process that died reaches neither disk.
  if (died) for (const store of stores) await store.close()
  return died
}
