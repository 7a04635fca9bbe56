import { invalidOption, notSupported } from '../errors.js'
import { shown } from '../option-checks.js'
import { isBuiltIn } from './built-in.js'
import { type Codec, type CodecName, FIRST_USER_CODEC_ID } from './codec.js'
import { lz4 } from './lz4/lz4.js'
import { none } from './none.js'
import { tensorReader } from './tensor/tensor.js'
import { zstd } from './zstd/zstd.js'

const byName: Readonly<Record<CodecName, Codec>> = { none: none(), lz4: lz4(), zstd: zstd() }
const byId = new Map<number, Codec>([...Object.values(byName), tensorReader()].map(codec => [codec.id, codec]))

/**
 * Makes a codec known to this process, so that stores can write with it and read what it wrote. Register before opening.
 * Registering another codec under the same id replaces it: do that only for a newer version that reads the same bytes.
 *
 * @throws CKV_INVALID_OPTION if the id is not in 128..255, if a function is missing or something else is in its place, if effort is not in 0..255, or
 *   if workingBytes is not a number of bytes
 */
export function registerCodec(codec: Codec): void {
  assertCodecShape(codec)
  if (!Number.isInteger(codec.id) || codec.id < FIRST_USER_CODEC_ID || codec.id > 255) {
    throw invalidOption(`A codec of your own needs an id from ${FIRST_USER_CODEC_ID} to 255, not ${shown(codec.id)}`)
  }
  assertOptionalParts(codec)
  byId.set(codec.id, codec)
}

const OPTIONAL_FUNCTIONS = ['load', 'compressSync', 'decompressSync', 'withDictionary'] as const

function assertOptionalParts(codec: Codec): void {
  for (const name of OPTIONAL_FUNCTIONS) {
    if (codec[name] === undefined || typeof codec[name] === 'function') continue
    throw invalidOption(`${name} of codec '${codec.name}' must be a function or left out, not ${shown(codec[name])}`)
  }
  const { workingBytes = 0 } = codec
  // It is added to the sum of bytes under way. Once that is NaN it stays so, and all calls of the process would run one after another.
  if (Number.isFinite(workingBytes) && workingBytes >= 0) return
  throw invalidOption(
    `workingBytes of codec '${codec.name}' must be a number of bytes from 0 on, not ${shown(workingBytes)}`
  )
}

/**
 * The codec that reads what the codec with this id wrote.
 *
 * @throws LEVEL_NOT_SUPPORTED if no such codec is known
 */
export function codecForReading(id: number): Codec {
  const codec = byId.get(id)
  if (codec !== undefined) return codec
  throw notSupported(
    id < FIRST_USER_CODEC_ID
      ? `This value was written with codec ${id}, which this version does not know: upgrade compressed-kv`
      : `This value was written with a codec of your own, id ${id}: call registerCodec() with it before reading`
  )
}

/** Whether a value is the name of a codec of this library. */
export function isCodecName(value: unknown): boolean {
  return typeof value === 'string' && Object.hasOwn(byName, value)
}

/**
 * The codec to write with, from what an option says.
 *
 * @throws CKV_INVALID_OPTION for an unknown name or an object that is no codec; LEVEL_NOT_SUPPORTED for a codec that was never registered,
 *   so that nothing could read its values again
 */
export function codecForWriting(codec: Codec | CodecName): Codec {
  if (typeof codec === 'string') {
    if (Object.hasOwn(byName, codec)) return byName[codec]
    throw invalidOption(
      `Unknown codec '${codec}': use 'none', 'lz4', 'zstd' or the codec itself, such as zstd({ level: 9 })`
    )
  }
  assertCodecShape(codec)
  if (codec.id < FIRST_USER_CODEC_ID ? !isBuiltIn(codec) : !byId.has(codec.id)) {
    throw notSupported(
      `Codec '${codec.name}' (id ${codec.id}) is not registered, so nothing could read its values again: ` +
        'give it an id from 128 to 255 and call registerCodec(codec) first. If it is a codec of compressed-kv, take it from the same ' +
        'copy of that package as the store'
    )
  }
  return codec
}

function assertCodecShape(codec: Codec): void {
  const whole =
    typeof codec === 'object' &&
    codec !== null &&
    typeof codec.name === 'string' &&
    typeof codec.compress === 'function' &&
    typeof codec.decompress === 'function'
  if (!whole) {
    throw invalidOption(
      "A codec is 'none', 'lz4', 'zstd' or an object with id, name, compress(data) and decompress(data, rawLength), " +
        `not ${shown(codec)}`
    )
  }
  const effort = codec.effort ?? 0
  if (!Number.isInteger(effort) || effort < 0 || effort > 255) {
    throw invalidOption(`The effort of codec '${codec.name}' must be an integer from 0 to 255`)
  }
}
