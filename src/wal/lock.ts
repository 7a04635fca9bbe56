import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { CompressedKvError, ioError } from '../errors.js'
import { type FileSystem, isMissing } from '../fs/file-system.js'
import type { LogDirectory } from './segments/segment-files.js'

/** Who holds a lock: enough to find out, on the same machine, whether that process still runs. */
interface Owner {
  readonly host: string
  /** Tells hosts of one name apart. Empty where there is none. */
  readonly machineId: string
  /** Changes when the machine starts. Empty where there is none. */
  readonly bootId: string
  /** Process ids are unique only within one. Empty where there is none. */
  readonly pidNamespace: string
  readonly pid: number
  /** A later process may get the same pid, but not the same start. Empty where it cannot be known. */
  readonly startTime: string
  /** Tells one lock from the next of the same process. */
  readonly nonce: string
}

export interface Lock {
  release(): Promise<void>
}

const LOCK_NAME = 'LOCK'
/** Taking over a lock needs a lock of its own, which may have to be taken over as well, to this depth; each is tried this many times. */
const MAX_TAKEOVERS = 8

/** The directories that this thread has locked, by the nonces of their locks. */
const held = new Map<string, string>()

/** Nonces of locks that this thread has let go of, though their files could not be removed: it may have them again. */
const leftBehind = new Set<string>()

/**
 * Makes a log's directory, if it is missing, and locks it for this process: at once, or not at all. A lock whose owner is dead is taken
 * over.
 *
 * @param ownerIsDead whether whoever held the lock before is known to be gone, unless it is this thread: LevelDB opens a directory twice in a
 *   process that gives it two paths
 * @throws LEVEL_LOCKED; LEVEL_IO_ERROR where the directory cannot be made or written
 */
export async function makeAndLock({ fs, directory }: LogDirectory, ownerIsDead = false): Promise<Lock> {
  try {
    await fs.makeDirectory(directory)
    return await take(fs, join(directory, LOCK_NAME), directory, ownerIsDead, 0)
  } catch (error) {
    if (error instanceof CompressedKvError) throw error
    throw ioError(
      `The log's directory ${directory} cannot be written; to only read the log, pass readOnly: true`,
      error
    )
  }
}

async function take(
  fs: FileSystem,
  path: string,
  directory: string,
  ownerIsDead: boolean,
  depth: number
): Promise<Lock> {
  const mine: Owner = { ...thisProcess(), nonce: randomBytes(8).toString('hex') }
  const bytes = Buffer.from(JSON.stringify(mine))
  const taken = (nonce: string): Lock => {
    held.set(nonce, directory)
    return { release: () => releaseIfOurs(fs, path, nonce) }
  }
  for (let tries = 0; tries < MAX_TAKEOVERS; tries++) {
    try {
      await fs.createWith(path, bytes)
      return taken(mine.nonce)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const owner = await ownerOf(fs, path)
    if (owner === undefined) continue // It has just been released.
    // NFS asks once more for a link whose answer was lost.
    if (owner.nonce === mine.nonce || leftBehind.delete(owner.nonce)) return taken(owner.nonce)
    if (depth === MAX_TAKEOVERS || (ownerIsDead ? held.has(owner.nonce) : mayLive(owner)))
      throw locked(directory, path, owner)
    // Only the one that holds the lock on taking over from this very owner may remove its lock.
    const guard = await take(fs, `${path}.${owner.nonce}`, directory, ownerIsDead, depth + 1)
    try {
      if ((await ownerOf(fs, path))?.nonce === owner.nonce) await fs.remove(path)
    } finally {
      await guard.release()
    }
  }
  throw locked(directory, path, undefined)
}

async function releaseIfOurs(fs: FileSystem, path: string, nonce: string): Promise<void> {
  held.delete(nonce)
  try {
    const owner = await ownerOf(fs, path)
    if (owner?.nonce === nonce) await fs.remove(path)
  } catch (error) {
    leftBehind.add(nonce) // Not before: what is removed here must be nobody's.
    throw error
  }
}

/** What is not a lock of ours is never taken over: it has no nonce to take it over from. */
const NOBODY_KNOWN: Owner = {
  host: '',
  machineId: '',
  bootId: '',
  pidNamespace: '',
  pid: 0,
  startTime: '',
  nonce: 'unreadable'
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
  try {
    const owner = JSON.parse(text) as Owner
    if (typeof owner.pid === 'number' && /^[0-9a-f]+$/.test(owner.nonce)) return owner
  } catch {
    // Not JSON: handled below, like any other file that is no lock.
  }
  return NOBODY_KNOWN
}

/** State of a process that has ended, as long as its parent has not asked how. */
const ZOMBIE = 'Z'

/** Whether the owner may still run. */
function mayLive(owner: Owner): boolean {
  const here = thisProcess()
  if (owner.nonce === NOBODY_KNOWN.nonce || owner.host !== here.host || owner.machineId !== here.machineId) {
    return true
  }
  if (owner.bootId !== here.bootId) return false // The machine was restarted since.
  if (owner.pidNamespace !== here.pidNamespace) return true // Another container: its processes cannot be seen from here.
  if (!isRunning(owner.pid)) return false
  const { state, startTime } = statusOf(owner.pid)
  if (state === ZOMBIE) return false
  return startTime === '' || owner.startTime === '' || startTime === owner.startTime
}

function thisProcess(): Omit<Owner, 'nonce'> {
  return {
    host: hostname(),
    machineId: textOf('/etc/machine-id'),
    bootId: textOf('/proc/sys/kernel/random/boot_id'),
    pidNamespace: linkOf('/proc/self/ns/pid'),
    pid: process.pid,
    startTime: statusOf(process.pid).startTime
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** Fields 3 and 22 of /proc/PID/stat, counted after the name, which may contain anything. The start is in clock ticks since boot. */
function statusOf(pid: number): { readonly state: string; readonly startTime: string } {
  const stat = textOf(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0] ?? '', startTime: fields[19] ?? '' }
}

/** Empty where there is none. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

/** Empty where there is none. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function locked(directory: string, path: string, owner: Owner | undefined): CompressedKvError {
  return new CompressedKvError('LEVEL_LOCKED', whyLocked(directory, path, owner))
}

function whyLocked(directory: string, path: string, owner: Owner | undefined): string {
  if (owner === NOBODY_KNOWN) {
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
