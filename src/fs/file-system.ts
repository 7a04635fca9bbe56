/**
 * The few file calls that a log needs, so that it can be tested on a failing disk and kept where `node:fs` does not reach. Errors carry
 * a `code` as those of `node:fs` do: ENOENT, EEXIST, ENOSPC, ...
 */
export interface FileSystem {
  /** 'read' and 'write' need the file to exist (ENOENT); 'create' needs it not to (EEXIST) and opens it for reading and writing. */
  open(path: string, mode: OpenMode): Promise<File>
  /**
   * Makes a file with these bytes and puts it on stable storage. EEXIST if the file exists. If this is interrupted, the file is complete or not
   * there at all, where the file system has hard links; elsewhere it may be there in part.
   */
  createWith(path: string, bytes: Uint8Array): Promise<void>
  /** Reads a small file as a whole. */
  readFile(path: string): Promise<Uint8Array>
  /** Replaces the file at `to`, if there is one. */
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Names of the entries of a directory, in any order. */
  list(directory: string): Promise<string[]>
  /** Makes a directory and those above it, durably. A directory that exists is left as it is. */
  makeDirectory(directory: string): Promise<void>
  /** Makes durable what was created, renamed and removed in a directory. */
  syncDirectory(directory: string): Promise<void>
}

export type OpenMode = 'read' | 'write' | 'create'

export interface File {
  /** Fills `into`; returns how many bytes were read, which may be fewer, and are 0 at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>
  /** May write fewer bytes than there are: returns how many. */
  write(bytes: Uint8Array, position: number): Promise<number>
  /** Writes on the calling thread. May write fewer bytes than there are: returns how many. */
  writeSync(bytes: Uint8Array, position: number): number
  /** In bytes. */
  size(): Promise<number>
  truncate(size: number): Promise<void>
  /** Puts the file's bytes, and its size, on stable storage (fdatasync). */
  sync(): Promise<void>
  close(): Promise<void>
}

/** Whether a file call failed because there is no such file or directory. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
