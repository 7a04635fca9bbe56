import { constants } from 'node:buffer'
import type { CodecName, StoredEntry } from '../../index.js'
import { type CommonOptions, type Context, withBarBesideLines } from '../context.js'
import { entriesOf, look } from '../database/look.js'
import { type Store, writeTo } from '../database/writing.js'
import { putLine, jsonBytes } from '../entry-lines.js'
import { isExpired } from '../expiry.js'
import { describe, EXIT, Failure, WrongUsage } from '../failure.js'
import { bytesOf, rangeOfPrefix, shownKey, type TextEncoding } from '../text.js'

interface EntryOptions extends CommonOptions {
  readonly encoding: TextEncoding
}

interface PutOptions extends EntryOptions {
  readonly codec: CodecName
  readonly ttl?: number
  readonly wrap?: boolean
}

interface ListOptions extends EntryOptions {
  readonly prefix?: string
  readonly limit?: number
}

export async function get(
  { output }: Context,
  location: string,
  key: string,
  { encoding, json, wal, raw }: EntryOptions & { readonly raw?: boolean }
): Promise<number> {
  const keyBytes = bytesOf(key, encoding)
  return look(location, { wal, settle: true }, async ({ inspection }) => {
    const range = { gte: keyBytes, lt: Buffer.concat([keyBytes, Buffer.of(0)]) }
    for await (const entry of inspection.entries(range)) {
      const value = await valueOf(entry, key)
      const { expiresAt } = entry.opened!
      if (isExpired(expiresAt)) break
      if (json) await output.line(JSON.stringify(putLine(keyBytes, value, expiresAt)))
      else if (raw) await output.bytes(value)
      else if (encoding === 'utf8') await output.bytes(Buffer.concat([value, Buffer.from('\n')]))
      else await output.line(value.toString(encoding))
      return EXIT.ok
    }
    throw new Failure(`There is no key '${key}': list those there are with 'ckv ls ${location}'`)
  })
}

async function valueOf(entry: StoredEntry, key: string): Promise<Buffer> {
  try {
    return await entry.value()
  } catch (error) {
    const { code, message } = describe(error)
    throw new Failure(`'${key}' cannot be read: ${message}`, code)
  }
}

/** @param value '-' to read it from stdin */
export async function put(
  context: Context,
  location: string,
  key: string,
  value: string,
  { encoding, codec, ttl, wrap, wal, json }: PutOptions
): Promise<number> {
  const keyBytes = bytesOf(key, encoding)
  const valueBytes = value === '-' ? await inputOf(context, encoding) : bytesOf(value, encoding)
  const options = ttl === undefined ? { sync: true } : { sync: true, ttl }
  await writeTo(location, { wal, create: true, wrap, store: { codec } }, store =>
    store.put(keyBytes, valueBytes, options)
  )
  if (json) context.output.json({ key: jsonBytes(keyBytes), bytes: valueBytes.length })
  return EXIT.ok
}

/** The longest value that a store takes by default, and so here, in bytes. */
const MAX_VALUE_BYTES = 1024 ** 3

async function inputOf({ streams }: Context, encoding: TextEncoding): Promise<Buffer> {
  const most = encoding === 'utf8' ? MAX_VALUE_BYTES : constants.MAX_STRING_LENGTH
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of streams.stdin) {
    chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as string))
    bytes += chunks.at(-1)!.length
    if (bytes > most)
      throw new Failure(`stdin has more than ${most} bytes, the longest that a value can be: keep it in a BlobStore`)
  }
  const given = Buffer.concat(chunks)
  return encoding === 'utf8' ? given : bytesOf(given.toString().trim(), encoding)
}

export async function del(
  { output }: Context,
  location: string,
  key: string,
  { encoding, wal, json, wrap }: EntryOptions & { readonly wrap?: boolean }
): Promise<number> {
  const keyBytes = bytesOf(key, encoding)
  const existed = await writeTo(location, { wal, create: false, wrap }, async (store: Store) => {
    const found = await store.has(keyBytes)
    if (found) await store.del(keyBytes, { sync: true })
    return found
  })
  if (!existed) throw new Failure(`There is no key '${key}': nothing was deleted`)
  if (json) output.json({ key: jsonBytes(keyBytes), deleted: true })
  return EXIT.ok
}

export async function list(
  context: Context,
  location: string,
  { encoding, prefix = '', limit = Infinity, json, wal }: ListOptions
): Promise<number> {
  if (limit < 1) throw new WrongUsage('--limit must be 1 or more')
  const { output, signal } = context
  const range = rangeOfPrefix(bytesOf(prefix, encoding))
  return look(location, { wal, settle: true }, looked =>
    withBarBesideLines(context, 'Keys', async bar => {
      let listed = 0
      for await (const { key, opened } of entriesOf(looked, bar, signal, range)) {
        if (isExpired(opened?.expiresAt)) continue
        await output.line(json ? JSON.stringify({ key: jsonBytes(key) }) : shownKey(key, encoding))
        if (++listed >= limit) break
      }
      return EXIT.ok
    })
  )
}
