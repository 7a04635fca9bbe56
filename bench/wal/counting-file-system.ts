import { type File, type FileSystem, nodeFileSystem } from 'compressed-kv'

/** The disk, with a count of the bytes that are read from it. */
interface CountingFileSystem {
  readonly fs: FileSystem
  readonly read: { bytes: number; calls: number }
}

export function countingFileSystem(): CountingFileSystem {
  const read = { bytes: 0, calls: 0 }
  const counted = (file: File): File => ({
    read: async (into, position) => {
      const bytes = await file.read(into, position)
      read.bytes += bytes
      read.calls++
      return bytes
    },
    write: (bytes, position) => file.write(bytes, position),
    writeSync: (bytes, position) => file.writeSync(bytes, position),
    size: () => file.size(),
    truncate: size => file.truncate(size),
    sync: () => file.sync(),
    close: () => file.close()
  })
  return {
    read,
    fs: { ...nodeFileSystem, open: async (path, mode) => counted(await nodeFileSystem.open(path, mode)) }
  }
}
