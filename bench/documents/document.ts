export interface Document {
  readonly key: string
  readonly value: Buffer
}

/** Documents of one source or size, measured together. */
export interface DocumentSet {
  readonly name: string
  /** Tensors are a kind of their own: codecs of bytes do little for them. */
  readonly kind: 'text' | 'tensor'
  readonly documents: readonly Document[]
}

export function bytesIn({ documents }: DocumentSet): number {
  return documents.reduce((sum, { value }) => sum + value.length, 0)
}
