export type Value = Buffer | string

export interface Entry<V> {
  readonly key: string
  readonly value: V
}

/** An open database, as the workload calls it. What a rival lacks is left out, and so is its figure. */
export interface Database<V extends Value = Value> {
  put(key: string, value: V): Promise<unknown>
  /** Resolves when the value is on stable storage. */
  putDurably?(key: string, value: V): Promise<unknown>
  batch(entries: readonly Entry<V>[]): Promise<unknown>
  get(key: string): Promise<V | undefined>
  getSync?(key: string): V | undefined
  getMany(keys: string[]): Promise<readonly (V | undefined)[]>
  /** Reads every key and value. Returns how many there are. */
  iterate(): Promise<number>
  /** Leaves the smallest files the database can make of what it holds, in its directory or in the one given. */
  compact?(into: string): Promise<void>
  /** Waits until what was written is where it stays. */
  flush?(): Promise<void>
  close(): Promise<void>
}

export type Open = (location: string) => Promise<Database>

export interface Contender {
  readonly id: string
  readonly label: string
  /** Plots and the list of losses tell this store from what it is compared with. */
  readonly family: 'bare' | 'rival' | 'store'
  /** What a power cut or a kill may take of a put that has resolved. */
  readonly putPromise: string
  /** How a durable put is asked for. */
  readonly durablePut: string
  /** Whether it is there again after it was closed. */
  readonly persistent: boolean
  /** Rivals that cannot hold bytes get text of the same length. */
  readonly valuesAs: 'bytes' | 'text'
  /** Larger values are left out: 1000 of them take half a minute. */
  readonly maxValueBytes?: number
  /** Imports what it needs, so that a process holds the code of one contender only. */
  load(): Promise<Open>
}
