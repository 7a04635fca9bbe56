import { guardedCalls } from '../guarded-calls.js'
import type { WalEvent } from '../wal/observer.js'

type EventOfLog<Type extends WalEvent['type']> = Extract<WalEvent, { readonly type: Type }>

/** Events that a store has in addition to abstract-level's own, and what their listeners get. */
export interface StoreEvents {
  /** A codec failed, and the value was stored raw. */
  codecError: { readonly codec: string; readonly error: unknown }
  /** A part of the MemTable was moved to the backend. `entries` counts its keys, deleted ones included; those of deleted ranges are not counted. */
  flush: { readonly entries: number; readonly ms: number }
  /** The backend refused a flush. It is tried again, unless the backend is a LevelDB that gets nothing more until it is opened again. */
  flushError: { readonly error: unknown }
  /** A sweep in the background has failed, or the policy of a sweep did not answer in time when the sweep was stopped. */
  gcError: { readonly error: unknown }
  walSegmentRoll: EventOfLog<'segmentRoll'>
  walFsync: EventOfLog<'fsync'>
  walTruncated: EventOfLog<'truncated'>
  walPoisoned: EventOfLog<'poisoned'>
}

/** Emits an event, and never throws. */
export type SafeEmit = <Name extends keyof StoreEvents>(name: Name, event: StoreEvents[Name]) => void

export function safeEmitter(store: { emit(name: string, event: object): unknown }): SafeEmit {
  const guarded = guardedCalls()
  return (name, event) => guarded(`A listener of '${name}'`, () => store.emit(name, event))
}

/*
 * An overload for each event, none of them generic: calls of a `CompressedKvStore | Level` would not compile otherwise. The last one is
 * EventEmitter's own.
 */
declare module './compressed-kv-store.js' {
  // oxlint-disable typescript/no-explicit-any, no-unused-vars
  interface CompressedKvStore<K, V> {
    on(event: 'codecError', listener: (event: StoreEvents['codecError']) => void): this
    on(event: 'flush', listener: (event: StoreEvents['flush']) => void): this
    on(event: 'flushError', listener: (event: StoreEvents['flushError']) => void): this
    on(event: 'gcError', listener: (event: StoreEvents['gcError']) => void): this
    on(event: 'walSegmentRoll', listener: (event: StoreEvents['walSegmentRoll']) => void): this
    on(event: 'walFsync', listener: (event: StoreEvents['walFsync']) => void): this
    on(event: 'walTruncated', listener: (event: StoreEvents['walTruncated']) => void): this
    on(event: 'walPoisoned', listener: (event: StoreEvents['walPoisoned']) => void): this
    on(event: string | symbol, listener: (...args: any[]) => void): this
    once(event: 'codecError', listener: (event: StoreEvents['codecError']) => void): this
    once(event: 'flush', listener: (event: StoreEvents['flush']) => void): this
    once(event: 'flushError', listener: (event: StoreEvents['flushError']) => void): this
    once(event: 'gcError', listener: (event: StoreEvents['gcError']) => void): this
    once(event: 'walSegmentRoll', listener: (event: StoreEvents['walSegmentRoll']) => void): this
    once(event: 'walFsync', listener: (event: StoreEvents['walFsync']) => void): this
    once(event: 'walTruncated', listener: (event: StoreEvents['walTruncated']) => void): this
    once(event: 'walPoisoned', listener: (event: StoreEvents['walPoisoned']) => void): this
    once(event: string | symbol, listener: (...args: any[]) => void): this
  }
}
