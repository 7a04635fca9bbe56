import type { Gc, GcDecision, StoredValue } from './policy.js'

/** An entry of a chunk: what a policy sees of it, or why it is not seen. */
export interface SweptEntry {
  readonly key: Buffer
  /** Bytes as it is stored, envelope and all. */
  readonly storedBytes: number
  readonly expired: boolean
  /** From before the database was wrapped: it gets an envelope whatever the policy says, unless `value` is undefined. */
  readonly plain: boolean
  /** undefined if it cannot be read: then `error` says why. */
  readonly value: StoredValue | undefined
  readonly error: unknown
}

/** What is to be stored instead of an entry. */
export interface Rewrite {
  readonly entry: SweptEntry
  readonly decision: GcDecision
}

/** A part of the database in the order of keys, and the way to rewrite it. */
export interface SweptChunk {
  readonly entries: readonly SweptEntry[]
  /**
   * Stores what was decided, durably, but for keys that somebody wrote to since the chunk was read.
   *
   * @returns for each rewrite the bytes it takes now, or undefined if it was overtaken
   */
  rewrite(rewrites: readonly Rewrite[]): Promise<(number | undefined)[]>
  /** The chunk is done with. */
  end(): void
}

/** What a collector needs of a store. */
export interface GcHost {
  /** Resolves when the store has been opened; undefined if it is not being opened. */
  opening(): Promise<void> | undefined
  /** @throws LEVEL_DATABASE_NOT_OPEN, LEVEL_READONLY */
  assertWritable(): void
  /** The policy where none was given. Asked for while the store is open. */
  defaultPolicy(): Gc
  /** The state that was remembered last; empty if there is none. */
  readonly state: Buffer
  /** Counts calls of readers and writers. */
  readonly activity: number
  /** Resolves when the backend has every write accepted before: a sweep sees what is there. */
  settle(): Promise<void>
  /** The last key there is now; undefined if there is none. */
  lastKey(): Promise<Buffer | undefined>
  /**
   * @param after the key to begin after; undefined to begin with the first
   * @param last where the sweep ends
   */
  chunk(after: Buffer | undefined, last: Buffer): Promise<SweptChunk>
  /** Remembers a state, durably. */
  remember(state: Buffer): Promise<void>
  /**
   * Every value has been swept, from the first key to the last: forgets the state.
   *
   * @param plainLeft plain values are left, and the store goes on telling envelopes from them
   */
  finished(plainLeft: boolean): Promise<void>
  /** Lets the backend give the space back that rewriting left, where it can. */
  compact(): Promise<void>
}
