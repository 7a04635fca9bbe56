/**
 * The few file calls that a log needs, so that it can be tested on a disk that fails and kept on one that is not Node.js's. Errors
 * carry a `code` as those of `node:fs` do: ENOENT, EEXIST, ENOSPC, ...
 */
export interface FileSystem {
  /** 'read' and 'write' need the file to be there; 'create' needs it not to be (EEXIST) and opens it for reading and writing. */
  open(path: string, mode: OpenMode): Promise<File>
  /**
   * Makes a file with these bytes and puts it on stable storage: complete, or, where the file system has hard links, not at all.
   * EEXIST if there is one.
   */
  createWith(path: string, bytes: Uint8Array): Promise<void>
  /** A whole small file. */
  readFile(path: string): Promise<Uint8Array>
  /** Replaces a file at `to`. */
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Names of what is in a directory, in any order. */
  list(directory: string): Promise<string[]>
  /** Makes a directory and those above it, durably; one that is there is left as it is. */
  makeDirectory(directory: string): Promise<void>
  /** Makes what was created, renamed and removed in a directory durable. */
  syncDirectory(directory: string): Promise<void>
}

export type OpenMode = 'read' | 'write' | 'create'

export interface File {
  /** Reads into the whole of `into`, fewer bytes at the end of the file or where the system gives fewer. */
  read(into: Uint8Array, position: number): Promise<number>
  /** May write fewer bytes than there are: returns how many. */
  write(bytes: Uint8Array, position: number): Promise<number>
  /** The same at once, on the calling thread. */
  writeSync(bytes: Uint8Array, position: number): number
  /** In bytes. */
  size(): Promise<number>
  truncate(size: number): Promise<void>
  /** Puts the file's bytes, and its size, on stable storage (fdatasync). */
  sync(): Promise<void>
  close(): Promise<void>
}
