import type { AnyLevel } from '../backend/any-level.js'
import type { MarkerState } from '../marker-state.js'
import { MAX_OPERATIONS_BESIDE, MIN_CALLS_BESIDE, type PendingCall, WriteGroup } from './write-group.js'

/**
 * Of small groups over LevelDB. With 16 puts of 1 KiB in flight two groups of 8 make a quarter more puts a second than one of 16: the main thread
 * seals the one while another thread writes the other. More of them cost more, since it takes 30 µs to wake a thread.
 */
const MAX_GROUPS_UNDER_WAY = 2

/**
 * Reactions of promises that run before groups begin: what other callers write when they hear of their writes goes into the same groups.
 * `process.nextTick` would be after all reactions, but takes 2 µs of the 50 between two puts that are awaited one after another.
 */
const REACTIONS = 4

interface WriteGroupsContext {
  readonly backend: AnyLevel
  readonly marker: MarkerState
  readonly isLogged: boolean
  /** Whether the backend has threads that can each write a batch. */
  readonly overLevelDb: boolean
}

/** Puts calls that are ready to be written into groups, first come, first served, and says when each group is written. */
export class WriteGroups {
  readonly #backend: AnyLevel | undefined
  readonly #marker: MarkerState
  readonly #maxUnderWay: number
  readonly #commit: (group: WriteGroup) => Promise<void>

  #ready: PendingCall[] = []
  /** Those that were ready earlier, of which the first are in a group. */
  #waiting: PendingCall[] = []
  #taken = 0
  #next: WriteGroup
  #filling = false
  /** Whether groups begin soon, before this turn of the event loop ends. */
  #beginning = false
  readonly #underWay = new Set<WriteGroup>()

  /** @param commit writes a group, calls {@link end} when that is done, and never rejects */
  constructor(
    { backend, marker, isLogged, overLevelDb }: WriteGroupsContext,
    commit: (group: WriteGroup) => Promise<void>
  ) {
    this.#backend = isLogged ? undefined : backend
    this.#marker = marker
    this.#maxUnderWay = overLevelDb && !isLogged ? MAX_GROUPS_UNDER_WAY : 1
    this.#commit = commit
    this.#next = new WriteGroup(this.#backend)
  }

  add(call: PendingCall): void {
    this.#ready.push(call)
    if (this.#underWay.size === this.#maxUnderWay) return this.#fillNext()
    if (!this.#beginning) void this.#beginSoon()
  }

  /** The group has been written, or has failed. */
  end(group: WriteGroup): void {
    this.#underWay.delete(group)
    this.#beginAll()
  }

  async #beginSoon(): Promise<void> {
    this.#beginning = true
    for (let i = 0; i < REACTIONS; i++) await undefined
    this.#beginning = false
    this.#beginAll()
  }

  /** Begins the groups that may be written now, and gives the backend what the one after them has already. */
  #beginAll(): void {
    for (;;) {
      this.#fillWithShare()
      const group = this.#next
      if (group.calls.length === 0) return
      if (!this.#mayBegin(group)) return this.#fillNext()
      this.#next = new WriteGroup(this.#backend)
      this.#underWay.add(group)
      void this.#commit(group)
    }
  }

  /** Of few writes that are ready while nothing is under way two groups get half each, unless the second would wait for the first. */
  #fillWithShare(): void {
    if (this.#maxUnderWay === 1 || this.#underWay.size > 0) return this.#fillNext()
    const half = Math.floor((this.#waiting.length - this.#taken + this.#ready.length) / 2)
    if (half < MIN_CALLS_BESIDE || half > MAX_OPERATIONS_BESIDE) return this.#fillNext()
    this.#fillNext(half)
    const others = [...this.#waiting.slice(this.#taken), ...this.#ready]
    if (!this.#next.allowsBeside(others)) this.#fillNext()
  }

  /** Groups that are written at once may end in any order, and so must have no key in common. A marker that is not saved yet would go with both. */
  #mayBegin(group: WriteGroup): boolean {
    if (this.#underWay.size === 0) return true
    if (this.#underWay.size === this.#maxUnderWay || this.#marker.unsaved !== undefined) return false
    for (const other of this.#underWay) if (!group.mayBeWrittenBeside(other)) return false
    return true
  }

  /** The next group takes what is ready, and the backend gets it. */
  #fillNext(maxCalls = Infinity): void {
    if (this.#filling) return // A hook of the backend that writes: its turn is later.
    this.#filling = true
    while (this.#next.calls.length < maxCalls && this.#hasReady()) {
      const call = this.#waiting[this.#taken]!
      if (!this.#next.hasRoomFor(call)) break
      this.#taken++
      this.#next.add(call)
    }
    this.#filling = false
  }

  #hasReady(): boolean {
    if (this.#taken === this.#waiting.length) {
      this.#waiting = this.#ready
      this.#ready = []
      this.#taken = 0
    }
    return this.#waiting.length > 0
  }
}
