import { join } from 'node:path'
import { CompressedKvError, ioError } from '../../errors.js'
import { type FileSystem, isMissing } from '../../fs/file-system.js'
import { nodeFileSystem } from '../../fs/node-file-system.js'
import type { LogDirectory } from '../segments/segment-files.js'
import {
  decodeOwner,
  isInContainer,
  mayLive,
  type Owner,
  ownerHere,
  placeOf,
  runsElsewhere,
  UNKNOWN_OWNER
} from './lock-owner.js'
import { listenIn, type OwnerSocket, removeSocket } from './owner-socket.js'

export interface Lock {
  release(): Promise<void>
}

/** A lock to be taken. */
interface Wanted {
  readonly fs: FileSystem
  readonly directory: string
  readonly path: string
  readonly ownerIsDead: boolean
  /** 0 for the lock of a log; one more for a lock that is needed to take over another one, see {@link MAX_TAKEOVERS}. */
  readonly depth: number
}

const LOCK_NAME = 'LOCK'
/** To take over a lock, a process needs another lock, which may have to be taken over as well: at most to this depth, with as many tries for each. */
const MAX_TAKEOVERS = 8

/** The directories that this thread has locked, by the nonces of their locks. */
const held = new Map<string, string>()

/** Locks that this thread has released but whose files could not be removed: it may take them again. By nonce, with their sockets. */
const leftBehind = new Map<string, OwnerSocket | undefined>()

/**
 * Nonces of locks that this thread has released while their files were not to be seen. The disk may have been unmounted, and the file be there again
 * when it is back.
 */
const outOfSight = new Set<string>()
/** The oldest are forgotten: where directories are deleted under their logs, as tests do, their locks never come back. */
const MAX_OUT_OF_SIGHT = 1000

/**
 * Makes a log's directory if it is missing, and locks it for this process, without waiting for another to release it. A lock whose owner has ended
 * is taken over.
 *
 * @param ownerIsDead whether the owner of an existing lock has ended, as LevelDB's own lock says, unless it is this thread, which may have the log open
 *   by another path, or another process that certainly runs: LevelDB notices neither
 * @throws LEVEL_LOCKED; LEVEL_IO_ERROR where the directory cannot be made or written
 */
export async function makeAndLock({ fs, directory }: LogDirectory, ownerIsDead = false): Promise<Lock> {
  try {
    await fs.makeDirectory(directory)
    return await take({ fs, directory, path: join(directory, LOCK_NAME), ownerIsDead, depth: 0 })
  } catch (error) {
    if (error instanceof CompressedKvError) throw error
    throw ioError(
      `The log's directory ${directory} cannot be written; to only read the log, pass readOnly: true`,
      error
    )
  }
}

/**
 * Throws if this thread, or another process, certainly has a log open. In all other cases taking the lock decides.
 *
 * @throws LEVEL_LOCKED
 */
export async function assertNotOpen(directory: string): Promise<void> {
  const path = join(directory, LOCK_NAME)
  const owner = await ownerOf(nodeFileSystem, path).catch(() => undefined)
  if (owner?.place === undefined) return
  const place = await placeOf(directory)
  const isOpenHere = held.has(owner.nonce) && owner.place === place
  if (isOpenHere || runsElsewhere(owner, place)) throw locked({ directory, path }, owner)
}

async function take(wanted: Wanted): Promise<Lock> {
  const { fs, directory, ownerIsDead } = wanted
  const here = { ...ownerHere(), place: fs === nodeFileSystem ? await placeOf(directory) : undefined }
  const listens = fs === nodeFileSystem && !ownerIsDead && isInContainer(here)
  const socket = listens ? await listenIn(directory, here.nonce) : undefined
  try {
    return await takeAs(socket === undefined ? here : { ...here, socket: socket.fileSystem }, socket, wanted)
  } catch (error) {
    await socket?.close()
    throw error
  }
}

async function takeAs(mine: Owner, socket: OwnerSocket | undefined, wanted: Wanted): Promise<Lock> {
  const { fs, path, depth } = wanted
  const bytes = Buffer.from(JSON.stringify(mine))
  for (let tries = 0; tries < MAX_TAKEOVERS; tries++) {
    try {
      await fs.createWith(path, bytes)
      return taken(wanted, mine.nonce, socket)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const owner = await ownerOf(fs, path)
    if (owner === undefined) continue // It has just been released.
    if (owner.nonce === mine.nonce) return taken(wanted, mine.nonce, socket) // NFS repeats a request whose answer was lost: it is our own lock.
    const left = leftBehind.get(owner.nonce)
    if (leftBehind.delete(owner.nonce)) {
      void socket?.close()
      return taken(wanted, owner.nonce, left)
    }
    if (depth === MAX_TAKEOVERS || (await mayBeHeld(wanted, owner))) throw locked(wanted, owner)
    await removeLockOf(owner, wanted)
  }
  throw locked(wanted, undefined)
}

/** Removes the lock of an owner that has ended. Only the process may do so that has the lock for taking over from this very owner. */
async function removeLockOf(owner: Owner, wanted: Wanted): Promise<void> {
  const { fs, directory, path, depth } = wanted
  const guard = await take({ ...wanted, path: `${path}.${owner.nonce}`, depth: depth + 1 })
  try {
    if ((await ownerOf(fs, path))?.nonce !== owner.nonce) return
    await fs.remove(path)
    outOfSight.delete(owner.nonce)
    if (owner.socket !== undefined) await removeSocket(directory, owner.nonce)
  } finally {
    await guard.release()
  }
}

async function mayBeHeld({ directory, ownerIsDead }: Wanted, owner: Owner): Promise<boolean> {
  if (ownerIsDead) return held.has(owner.nonce) || runsElsewhere(owner, await placeOf(directory))
  return !outOfSight.has(owner.nonce) && (await mayLive(owner, directory))
}

function taken({ fs, directory, path }: Wanted, nonce: string, socket: OwnerSocket | undefined): Lock {
  held.set(nonce, directory)
  return {
    async release() {
      held.delete(nonce)
      try {
        const owner = await ownerOf(fs, path)
        if (owner === undefined) noteOutOfSight(nonce)
        else if (owner.nonce === nonce) await fs.remove(path)
      } catch (error) {
        leftBehind.set(nonce, socket) // Not before the removal: meanwhile nobody may take this lock again.
        throw error
      }
      await socket?.close()
    }
  }
}

function noteOutOfSight(nonce: string): void {
  outOfSight.add(nonce)
  const [oldest] = outOfSight
  if (outOfSight.size > MAX_OUT_OF_SIGHT) outOfSight.delete(oldest!)
}

/** undefined if there is no such file. */
async function ownerOf(fs: FileSystem, path: string): Promise<Owner | undefined> {
  let text: string
  try {
    text = Buffer.from(await fs.readFile(path)).toString()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  return decodeOwner(text)
}

type Place = Pick<Wanted, 'directory' | 'path'>

function locked(wanted: Place, owner: Owner | undefined): CompressedKvError {
  return new CompressedKvError('LEVEL_LOCKED', whyLocked(wanted, owner))
}

function whyLocked({ directory, path }: Place, owner: Owner | undefined): string {
  if (owner === UNKNOWN_OWNER) {
    return (
      `The log in ${directory} cannot be locked: ${path} is no lock of a log. If something else keeps its files there, as LevelDB does, ` +
      'give the log a directory of its own. If it is a lock that was cut short, and you know that nobody has the log open, delete the file'
    )
  }
  const heldIn = owner && held.get(owner.nonce)
  if (heldIn === directory) {
    return (
      `The log in ${directory} is open already, in this process, ${process.pid}: close it, or the store that it belongs to, first. ` +
      `Its lock is ${path}`
    )
  }
  if (heldIn !== undefined) {
    return (
      `The log in ${directory} has the lock of the one in ${heldIn}, which is open in this process, ${process.pid}. ` +
      `If both are one directory, close that first. If this is a copy of that, delete the file ${path}`
    )
  }
  const who = owner === undefined ? 'somebody' : `process ${owner.pid} on host '${owner.host}'`
  return `The log in ${directory} is open elsewhere, by ${who}. If you know that nobody has it open, delete the file ${path}`
}
