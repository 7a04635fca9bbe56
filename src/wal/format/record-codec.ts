import { CODEC_ID } from '../../codec/codec.js'
import { codecForReading, codecForWriting } from '../../codec/registry.js'
import { restoreOffThread, restoreSync } from '../../codec/restore.js'
import { NO_GUARD } from '../../envelope/guard.js'
import { codecInput, type Opened, openEnvelope } from '../../envelope/open.js'
import { sealCompressed, sealRaw, type Sealing } from '../../envelope/seal.js'
import { notSupported } from '../../errors.js'
import type { Unsealed } from './decoded-frame.js'
import { MAX_FRAME_BYTES } from './format.js'
import type { LogRecord } from './record.js'

/** The frames of a log have checksums. An envelope in it gets one as well, because it may be taken out of the log. */
const SEALING: Sealing = { guard: NO_GUARD, mayOmitChecksum: false }

/**
 * A record as it is logged: with its value in an envelope, if it names a codec.
 *
 * @throws LEVEL_NOT_SUPPORTED for a codec without compressSync, or one that is not registered; what the codec throws
 */
export function withCodecApplied(record: LogRecord): LogRecord {
  if (record.codec === undefined) return record
  const codec = codecForWriting(record.codec)
  if (codec.compressSync === undefined) {
    throw notSupported(`Codec '${codec.name}' has no compressSync: a record cannot be compressed with it`)
  }
  const { value } = record
  const compressed =
    codec.id === CODEC_ID.none ? undefined : (codec.transient?.compress(value) ?? codec.compressSync(value))
  const sealed = compressed && sealCompressed(codec.id, compressed, value.length, SEALING, value.length)
  return { ...record, value: sealed ?? sealRaw(value, SEALING), sealed: true, codec: undefined }
}

/** What errors call a value that cannot be restored. */
const VALUE = 'the value of a record'

/** What is in an envelope that {@link withCodecApplied} or a store has made. */
export function unsealRecord(envelope: Buffer): Unsealed {
  const opened = openEnvelope(envelope, NO_GUARD, MAX_FRAME_BYTES)
  if (opened.dictionary !== undefined) {
    throw notSupported("The value needs a dictionary of its store: read the log through the store's wal, or inspect()")
  }
  return { value: valueOf(opened), expiresAt: opened.expiresAt }
}

function valueOf(opened: Opened): Buffer | Promise<Buffer> {
  if (opened.codecId === CODEC_ID.none) return Buffer.from(opened.payload)
  const codec = codecForReading(opened.codecId)
  const input = codecInput(opened)
  return codec.decompressSync !== undefined
    ? restoreSync(codec, input, opened.rawLength, VALUE)
    : restoreOffThread(codec, input, opened.rawLength, VALUE)
}
