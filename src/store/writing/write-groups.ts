import { Fifo } from '../../fifo.js'
import type { AnyLevel } from '../backend/any-level.js'
import type { StoreLog } from '../log/store-log.js'
import type { MarkerState } from '../marker-state.js'
import { MAX_OPERATIONS_BESIDE, MIN_CALLS_BESIDE, type PendingCall, WriteGroup } from './write-group.js'

/**
 * How many small groups LevelDB is given at once. With 16 puts of 1 KiB in flight, two groups of 8 make a quarter more puts a second than one
 * of 16: the main thread seals one group while another thread writes the other. More groups would be slower, since it takes 30 µs to wake a
 * thread.
 */
const MAX_GROUPS_UNDER_WAY = 2

/**
 * How many times to yield to other microtasks before groups are begun. Meanwhile other callers learn that their writes are done, and what they
 * write next goes into the same groups. `process.nextTick` would wait for all of them, but takes 2 µs of the 50 between two awaited puts.
 */
const YIELDS = 4

export interface WriteGroupsContext {
  readonly backend: AnyLevel
  readonly marker: MarkerState
  readonly log: StoreLog | undefined
  /** Whether the backend has threads that can each write a batch. */
  readonly overLevelDb: boolean
}

/** Puts calls that are ready to be written into groups, first come, first served, and decides when each group is written. */
export class WriteGroups {
  readonly #backend: AnyLevel | undefined
  readonly #marker: MarkerState
  readonly #maxUnderWay: number
  readonly #commit: (group: WriteGroup) => Promise<void>

  readonly #ready = new Fifo<PendingCall>()
  /** The group that is being filled. */
  #next: WriteGroup
  #filling = false
  /** Whether groups begin soon, before this turn of the event loop ends. */
  #beginning = false
  readonly #underWay = new Set<WriteGroup>()
  /** Resolves the last {@link idle}. One is enough: a barrier that waits holds back the next one. */
  #onIdle = () => {}

  /** @param commit writes a group, calls {@link end} when that is done, and never rejects */
  constructor({ backend, marker, log, overLevelDb }: WriteGroupsContext, commit: (group: WriteGroup) => Promise<void>) {
    this.#backend = log === undefined ? backend : undefined
    this.#marker = marker
    this.#maxUnderWay = overLevelDb && log === undefined ? MAX_GROUPS_UNDER_WAY : 1
    this.#commit = commit
    this.#next = new WriteGroup(this.#backend)
  }

  add(call: PendingCall): void {
    this.#ready.push(call)
    if (this.#underWay.size === this.#maxUnderWay) return this.#fillNext()
    if (!this.#beginning) void this.#beginSoon()
  }

  /** Resolves when every call that was added has been written or has failed. */
  idle(): Promise<void> {
    if (this.#underWay.size === 0 && this.#next.calls.length === 0 && this.#ready.length === 0) return Promise.resolve()
    return new Promise(resolve => (this.#onIdle = resolve))
  }

  /** The group has been written, or has failed. */
  end(group: WriteGroup): void {
    this.#underWay.delete(group)
    this.#beginAll()
  }

  async #beginSoon(): Promise<void> {
    this.#beginning = true
    for (let i = 0; i < YIELDS; i++) await undefined
    this.#beginning = false
    this.#beginAll()
  }

  /** Begins every group that may be written now, and fills the one after them. */
  #beginAll(): void {
    for (;;) {
      this.#fillWithShare()
      const group = this.#next
      if (group.calls.length === 0) {
        if (this.#underWay.size === 0) this.#onIdle()
        return
      }
      if (!this.#mayBegin(group)) return this.#fillNext()
      this.#next = new WriteGroup(this.#backend)
      this.#underWay.add(group)
      void this.#commit(group)
    }
  }

  /**
   * Fills the next group. If nothing is under way and only few calls are ready, it gets half of them, so that a second group can be written at
   * the same time; unless that would have to wait for the first.
   */
  #fillWithShare(): void {
    if (this.#maxUnderWay === 1 || this.#underWay.size > 0) return this.#fillNext()
    const half = Math.floor(this.#ready.length / 2)
    if (half < MIN_CALLS_BESIDE || half > MAX_OPERATIONS_BESIDE) return this.#fillNext()
    this.#fillNext(half)
    if (!this.#next.allowsBeside(this.#ready.items())) this.#fillNext()
  }

  /**
   * Groups that are written at the same time may end in either order, so they must have no key in common. None is begun beside another while
   * the marker is not saved: both would write it.
   */
  #mayBegin(group: WriteGroup): boolean {
    if (this.#underWay.size === 0) return true
    if (this.#underWay.size === this.#maxUnderWay || this.#marker.unsaved !== undefined) return false
    for (const other of this.#underWay) if (!group.mayBeWrittenBeside(other)) return false
    return true
  }

  /** Adds calls that are ready to the next group, which may hand them to the backend at once. */
  #fillNext(maxCalls = Infinity): void {
    if (this.#filling) return // A hook of the backend has written to this store: that call is added later.
    this.#filling = true
    while (this.#next.calls.length < maxCalls) {
      const call = this.#ready.first
      if (call === undefined || !this.#next.hasRoomFor(call)) break
      this.#ready.shift()
      this.#next.add(call)
    }
    this.#filling = false
  }
}
