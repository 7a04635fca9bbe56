import { type Codec, lz4, none, zstd } from 'compressed-kv'

export interface CodecSetting {
  readonly name: string
  readonly codec: Codec
}

export const CODECS: readonly CodecSetting[] = [
  { name: 'none', codec: none() },
  { name: 'lz4', codec: lz4() },
  ...[1, 3, 9, 19].map(level => ({ name: `zstd ${level}`, codec: zstd({ level }) }))
]
