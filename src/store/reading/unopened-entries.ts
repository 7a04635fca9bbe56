import type { TableValue } from '../table-value.js'

/** A key and its value, which is an envelope of the backend or what a table keeps. Either is undefined if it was not asked for. */
export type UnopenedEntry = [key: Uint8Array | undefined, value: Uint8Array | TableValue | undefined]

/** A source of entries, in order: an iterator of the backend, or one merged with tables. */
export interface UnopenedEntries {
  /** @returns up to `size` entries; none at the end */
  nextv(size: number, options: object): Promise<UnopenedEntry[]>
  seek(target: Buffer, options: object): void
  close(): Promise<void>
}
