/** Zstandard on the calling thread. Never writes more than `rawLength` bytes when it restores. */
export interface SyncZstd {
  compressSync(data: Uint8Array, level: number): Uint8Array
  decompressSync(data: Uint8Array, rawLength: number): Uint8Array
}

/** Zstandard on the libuv thread pool. May trust what a frame says of itself: measure it first. */
export interface AsyncZstd {
  compress(data: Uint8Array, level: number): Promise<Uint8Array>
  decompress(data: Uint8Array, rawLength: number): Promise<Uint8Array>
}
