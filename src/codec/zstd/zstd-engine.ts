/** Zstandard on the calling thread. Restoring never writes more than `rawLength` bytes. */
export interface SyncZstd {
  compressSync(data: Uint8Array, level: number): Uint8Array
  decompressSync(data: Uint8Array, rawLength: number): Uint8Array
}

/** Zstandard on the libuv thread pool. It may trust a frame's headers: check them before. */
export interface AsyncZstd {
  compress(data: Uint8Array, level: number): Promise<Uint8Array>
  decompress(data: Uint8Array, rawLength: number): Promise<Uint8Array>
}
