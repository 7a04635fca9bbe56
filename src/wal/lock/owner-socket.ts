import { once } from 'node:events'
import { rm, statfs } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

/*
 * A socket in the log's directory, on which the owner of the lock listens. When the process ends, in whatever way, the system closes the socket, and
 * refuses whoever connects. From another container that is the only way to know that the process has ended.
 */

/**
 * A thread that is terminated first closes its sockets, which removes them, and then waits for a write that is under way. The sockets of a process
 * that is killed are open until nothing of it runs any more.
 */
const LAST_WRITE_MS = 1000
/** Linux has 108 bytes for the path of a socket, of which one ends it. */
const MAX_PATH_BYTES = 107

/**
 * File systems that one machine has for itself, by the number that `statfs` gives: ext2 to ext4, XFS, Btrfs, F2FS, ZFS, tmpfs, overlayfs. On the file
 * system of a network, the socket of another machine refuses everybody.
 */
const LOCAL: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0x01021994, 0x794c7630
])

/** The type of the file system that a directory is in; undefined unless it is known that this machine has it for itself. */
export async function localFileSystem(directory: string): Promise<number | undefined> {
  try {
    const { type } = await statfs(directory)
    return process.platform === 'linux' && LOCAL.has(type) ? type : undefined
  } catch {
    return undefined
  }
}

export interface OwnerSocket {
  readonly fileSystem: number
  close(): Promise<void>
}

/**
 * Listens until the process ends or `close` is called. Does not keep the process alive.
 *
 * @returns undefined where that is not possible, or would say nothing
 */
export async function listenIn(directory: string, nonce: string): Promise<OwnerSocket | undefined> {
  const path = socketPath(directory, nonce)
  const fileSystem = await localFileSystem(directory)
  if (fileSystem === undefined || isTooLong(path)) return undefined
  const server = createServer(socket => void socket.destroy())
  try {
    server.listen({ path, exclusive: true }).unref() // Not shared with a cluster's other processes, which may outlive this one.
    await once(server, 'listening')
  } catch {
    return undefined
  }
  server.on('error', () => {})
  return { fileSystem, close: () => new Promise(resolve => server.close(() => resolve())) }
}

/**
 * Whether nobody listens any more, so that the owner has ended. False if that cannot be known.
 *
 * @param fileSystem the one in which the owner saw the socket. Seen through another, such as a network's or the one below an overlay, it refuses
 *   everybody
 */
export async function hasEnded(directory: string, nonce: string, fileSystem: number): Promise<boolean> {
  const path = socketPath(directory, nonce)
  if (isTooLong(path) || (await localFileSystem(directory)) !== fileSystem) return false
  const answer = await answerOf(path)
  if (answer === 'ENOENT') await setTimeout(LAST_WRITE_MS)
  return answer === 'ENOENT' || answer === 'ECONNREFUSED'
}

function answerOf(path: string): Promise<string | undefined> {
  return new Promise(resolve => {
    try {
      const socket = connect(path, () => {
        socket.destroy()
        resolve('connected')
      })
      socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
    } catch (error) {
      resolve((error as NodeJS.ErrnoException).code) // Node.js may have been told to forbid sockets.
    }
  })
}

/** Removes the socket that a process left when it ended. */
export async function removeSocket(directory: string, nonce: string): Promise<void> {
  await rm(socketPath(directory, nonce), { force: true })
}

/** Whether a path is too long for a socket: Node.js before 24 would cut it off, and find nothing there. */
function isTooLong(path: string): boolean {
  return Buffer.byteLength(path) > MAX_PATH_BYTES
}

function socketPath(directory: string, nonce: string): string {
  return join(directory, `LOCK.${nonce}.socket`)
}
