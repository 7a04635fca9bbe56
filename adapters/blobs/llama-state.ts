/** The header of a state file of llama.cpp. */
export interface LlamaState {
  /** 'session' is all of a context (`llama_state_save_file`), 'sequence' one of its sequences (`llama_state_seq_save_file`). */
  readonly kind: 'session' | 'sequence'
  /** llama.cpp loads the version that it writes, and no other. */
  readonly version: number
  /** The number of tokens whose state it holds. */
  readonly tokens: number
}

/*
 * Both kinds of file begin with three u32, little-endian, and the tokens, 4 bytes each (llama.cpp, include/llama.h and src/llama-context.cpp):
 *
 *     offset  size
 *          0     4   magic, LLAMA_SESSION_MAGIC or LLAMA_STATE_SEQ_MAGIC
 *          4     4   version
 *          8     4   token count
 */
const MAGICS = new Map<number, LlamaState['kind']>([
  [0x67_67_73_6e, 'session'], // 'ggsn'
  [0x67_67_73_71, 'sequence'] // 'ggsq'
])
export const LLAMA_HEADER_BYTES = 12
const TOKEN_BYTES = 4
/** Versions go up by one every year or so, and were 9 and 3 in 2026. */
const MAX_VERSION = 1000

/**
 * @param head the first {@link LLAMA_HEADER_BYTES} bytes of a file, or fewer if it has no more
 * @param length of the file
 * @returns undefined if it is no state file
 */
export function llamaStateIn(head: Buffer, length: number): LlamaState | undefined {
  if (head.length < LLAMA_HEADER_BYTES) return undefined
  const kind = MAGICS.get(head.readUInt32LE(0))
  const version = head.readUInt32LE(4)
  const tokens = head.readUInt32LE(8)
  if (kind === undefined || version === 0 || version > MAX_VERSION) return undefined
  if (LLAMA_HEADER_BYTES + tokens * TOKEN_BYTES > length) return undefined
  return { kind, version, tokens }
}

export function isLlamaState(value: unknown): value is LlamaState {
  const { kind, version, tokens } = (value ?? {}) as Partial<LlamaState>
  return (kind === 'session' || kind === 'sequence') && Number.isInteger(version) && Number.isInteger(tokens)
}
