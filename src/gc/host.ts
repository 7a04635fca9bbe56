import type { Gc, GcDecision, StoredValue } from './policy.js'

/** An entry of a chunk: what a policy sees of it, or why the policy does not see it. */
export interface SweptEntry {
  readonly key: Buffer
  /** Bytes of the stored value, its envelope included. */
  readonly storedBytes: number
  readonly expired: boolean
  /** Whether it is from before the database was wrapped. Then it gets an envelope whatever the policy says, unless `value` is undefined. */
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
   * Stores what was decided, durably, except under keys that were written to since the chunk was read.
   *
   * @returns for each rewrite how many bytes it takes now, or undefined if its key was written to
   */
  rewrite(rewrites: readonly Rewrite[]): Promise<(number | undefined)[]>
  /** Call when nothing of the chunk will be rewritten any more. */
  end(): void
}

/** What a collector needs of a store. */
export interface GcHost {
  /** Resolves when the store has been opened; undefined if it is not just being opened. */
  opening(): Promise<void> | undefined
  /** @throws LEVEL_DATABASE_NOT_OPEN, LEVEL_READONLY */
  assertWritable(): void
  /** The policy to use if none is given. Called while the store is open. */
  defaultPolicy(): Gc
  /** The state that was remembered last; empty if there is none. */
  readonly state: Buffer
  /** A number that goes up with every read and write of the store: if it changes, there is other work. */
  readonly activity: number
  /** Resolves when the backend has every write that was accepted before, since a sweep sees only what is in the backend. */
  settle(): Promise<void>
  /** The last key there is now; undefined if there is none. */
  lastKey(): Promise<Buffer | undefined>
  /**
   * Reads the next chunk.
   *
   * @param after the key after which to begin; undefined to begin with the first key
   * @param last the last key of the sweep
   */
  chunk(after: Buffer | undefined, last: Buffer): Promise<SweptChunk>
  /** Stores a state, durably. */
  remember(state: Buffer): Promise<void>
  /**
   * Forgets the state. Call when every value has been swept, from the first key to the last.
   *
   * @param plainLeft whether plain values are left, so that the store must go on distinguishing them from envelopes
   */
  finished(plainLeft: boolean): Promise<void>
  /** Makes the backend free the space of values that were rewritten or removed, if it can. */
  compact(): Promise<void>
}
