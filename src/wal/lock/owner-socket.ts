import { once } from 'node:events'
import { rm, statfs } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

/*
 * A socket in the log's directory, on which the owner of the lock listens. When the process ends, however it does, the system stops that, and says
 * so to whoever connects, from whichever container: there it is all that can be known of the process.
 */

/** A process that ends by itself closes its sockets first, and then waits for the write that is under way. */
const LAST_WRITE_MS = 1000
/** Linux has 108 bytes for the path of a socket, of which one ends it. */
const MAX_PATH_BYTES = 107

/**
 * File systems that one machine has for itself, by `statfs`' number of each: on a network's, a socket of another machine refuses everybody. ext2 to
 * ext4, XFS, Btrfs, F2FS, ZFS, tmpfs, overlayfs.
 */
const LOCAL: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0x01021994, 0x794c7630
])

/** Whether this machine alone has the file system that a directory is in, as far as is known. */
export async function isOnLocalDisk(directory: string): Promise<boolean> {
  try {
    return process.platform === 'linux' && LOCAL.has((await statfs(directory)).type)
  } catch {
    return false
  }
}

/**
 * Listens until the process ends or `close` is called. Keeps no process alive.
 *
 * @returns undefined where that is not possible, or would say nothing
 */
export async function listenIn(directory: string, nonce: string): Promise<{ close(): Promise<void> } | undefined> {
  const path = socketPath(directory, nonce)
  if (Buffer.byteLength(path) > MAX_PATH_BYTES || !(await isOnLocalDisk(directory))) return undefined
  const server = createServer(socket => void socket.destroy())
  try {
    server.listen({ path, exclusive: true }).unref() // Not shared with a cluster's other processes, which may outlive this one.
    await once(server, 'listening')
  } catch {
    return undefined
  }
  server.on('error', () => {})
  return { close: () => new Promise(resolve => server.close(() => resolve())) }
}

/** Whether nobody listens, and nobody did when asked again: the owner has ended. False where that cannot be known. */
export async function hasEnded(directory: string, nonce: string): Promise<boolean> {
  if (!(await isOnLocalDisk(directory))) return false
  const path = socketPath(directory, nonce)
  try {
    if (!(await refuses(path))) return false
    await setTimeout(LAST_WRITE_MS)
    return await refuses(path)
  } catch {
    return false // Node.js may have been told to forbid sockets.
  }
}

function refuses(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(false)
    })
    // A process that ends by itself removes the socket.
    socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED' || code === 'ENOENT'))
  })
}

/** Removes what a process that has ended left. */
export async function removeSocket(directory: string, nonce: string): Promise<void> {
  await rm(socketPath(directory, nonce), { force: true })
}

function socketPath(directory: string, nonce: string): string {
  return join(directory, `LOCK.${nonce}.socket`)
}
