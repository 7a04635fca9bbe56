import type { TableValue } from '../table-value.js'

/** A key, and an envelope, or what a table has. Either is undefined where it was not asked for. */
export type UnopenedEntry = [key: Uint8Array | undefined, value: Uint8Array | TableValue | undefined]

/** Where entries come from in order: an iterator of the backend, or that with tables over it. */
export interface UnopenedEntries {
  /** @returns up to `size` entries; none at the end */
  nextv(size: number, options: object): Promise<UnopenedEntry[]>
  seek(target: Buffer, options: object): void
  close(): Promise<void>
}
