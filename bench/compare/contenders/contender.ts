export type Value = Buffer | string

export interface Entry<V> {
  readonly key: string
  readonly value: V
}

/** An open database, as the workload calls it. A method that a rival lacks is left out, and so is its figure. */
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
  /** Makes the smallest files that the database can make of what it holds, in its directory or in the one that is given. */
  compact?(into: string): Promise<void>
  /** Waits until everything that was written has reached the place where it stays. */
  flush?(): Promise<void>
  close(): Promise<void>
}

export type Open = (location: string) => Promise<Database>

export interface Contender {
  readonly id: string
  readonly label: string
  /** By this, plots and the list of losses distinguish this store from what it is compared with. */
  readonly family: 'bare' | 'rival' | 'store'
  /** What becomes of a put that has resolved, if there is a power cut or the process is killed. */
  readonly putPromise: string
  /** How a durable put is asked for. */
  readonly durablePut: string
  /** Whether its contents are still there when it is opened again. */
  readonly persistent: boolean
  /** What values are given as: rivals that cannot hold bytes get text of the same length. */
  readonly valuesAs: 'bytes' | 'text'
  /** Larger values are left out: 1000 of them take half a minute. */
  readonly maxValueBytes?: number
  /** Imports what the contender needs, so that a process has only the code of one contender. */
  load(): Promise<Open>
}
