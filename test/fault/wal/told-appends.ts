import { Record } from '../../../src/wal/format/record.js'
import type { Wal } from '../../../src/wal/wal.js'

/** Appends records one after another, and remembers what came of each. */
export class ToldAppends {
  readonly acknowledged: string[] = []
  readonly rejected: { readonly key: string; readonly error: unknown }[] = []
  #next = 1

  /** @returns the error, if it was rejected */
  async append(wal: Wal, { sync = false, bytes = 40 } = {}): Promise<unknown> {
    const key = `key ${this.#next++}`
    try {
      await wal.append(Record.put(key, key.padEnd(bytes, '.')), { sync })
      this.acknowledged.push(key)
      return undefined
    } catch (error) {
      this.rejected.push({ key, error })
      return error
    }
  }

  get codes(): string[] {
    return this.rejected.map(({ error }) => String((error as { code?: unknown }).code))
  }
}

/** The keys of all records there are, in order; their values are checked. */
export async function keysOf(wal: Wal): Promise<string[]> {
  const keys: string[] = []
  for await (const { record } of wal.read()) {
    const key = record.key.toString()
    if (!record.value!.toString().startsWith(key)) throw new Error(`the value of ${key} is another's`)
    keys.push(key)
  }
  return keys
}
