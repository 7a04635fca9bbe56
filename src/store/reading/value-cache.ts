import { LRUCache } from 'lru-cache'
import { hasExpired } from '../../envelope/expiry.js'
import type { Counters } from '../stats.js'

/** About how many bytes an entry takes beside its key and value: for objects of the cache and headers of the buffers. */
const ENTRY_OVERHEAD_BYTES = 200

interface Cached {
  readonly value: Buffer
  readonly expiresAt: number | undefined
}

/**
 * Permission to keep what one read finds. It ends when its key is written to, and a read that begins while the key is being written has none from
 * the start.
 */
type Fill = symbol

/**
 * A cache of restored values, by the names of their keys (`keyName`). It never holds a buffer that a caller has, and never a value that a newer write
 * has replaced: a write ends the permission of every read of its key that is under way.
 */
export class ValueCache {
  readonly #entries: LRUCache<string, Cached>
  readonly #fills = new Map<string, Fill>()
  /** How many writes of a key are under way. */
  readonly #writes = new Map<string, number>()
  #clears = 0
  readonly #counters: Counters['cache']

  /** @param maxBytes above 0 */
  constructor(maxBytes: number, counters: Counters['cache']) {
    this.#counters = counters
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ value }, key) => value.length + key.length + ENTRY_OVERHEAD_BYTES
    })
  }

  get(name: string): Buffer | undefined {
    const found = this.#entries.get(name)
    if (found === undefined || hasExpired(found.expiresAt)) {
      this.#counters.misses++
      return undefined
    }
    this.#counters.hits++
    return Buffer.from(found.value)
  }

  /** Call before reading from the backend. */
  beginFill(name: string): Fill {
    const fill = Symbol('fill')
    if (this.#clears === 0 && !this.#writes.has(name)) this.#fills.set(name, fill)
    return fill
  }

  /** Call once after every {@link beginFill}, with what was found. */
  endFill(name: string, fill: Fill, value: Buffer | undefined, expiresAt: number | undefined): void {
    if (this.#fills.get(name) !== fill) return
    this.#fills.delete(name)
    if (value !== undefined) this.#entries.set(name, { value: unpooled(value), expiresAt })
  }

  /** Call when a write of this key is accepted. Until {@link endWrite} a read may find the old value or the new one, so none is kept. */
  beginWrite(name: string): void {
    this.invalidate(name)
    this.#writes.set(name, (this.#writes.get(name) ?? 0) + 1)
  }

  endWrite(name: string): void {
    const left = this.#writes.get(name)! - 1
    if (left > 0) this.#writes.set(name, left)
    else this.#writes.delete(name)
  }

  /** Like {@link beginWrite}, for every key. */
  beginClear(): void {
    this.clear()
    this.#clears++
  }

  endClear(): void {
    this.#clears--
  }

  /** Call when a write of this key is in a table, where readers look first. */
  invalidate(name: string): void {
    this.#entries.delete(name)
    this.#fills.delete(name)
  }

  clear(): void {
    this.#entries.clear()
    this.#fills.clear()
  }

  size(): { entries: number; bytes: number } {
    return { entries: this.#entries.size, bytes: this.#entries.calculatedSize }
  }
}

/** A copy that keeps no other memory alive: a small Buffer would share a pool of 8 KiB with others. */
function unpooled(value: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(value.length)
  own.set(value)
  return own
}
