import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { hasEnded, localFileSystem } from './owner-socket.js'

/** Who holds a lock, in enough detail to find out, on the same machine, whether that process still runs. */
export interface Owner {
  readonly host: string
  /** Tells hosts of the same name apart. Empty where there is none. */
  readonly machineId: string
  /** Changes when the machine starts. Empty where there is none. */
  readonly bootId: string
  /** Process ids are unique only within a namespace. Empty where there is none. */
  readonly pidNamespace: string
  readonly pid: number
  /** When the process started: a later process may get the same pid, but not the same time. Empty where it cannot be known. */
  readonly startTime: string
  /** Tells one lock from the next of the same process. */
  readonly nonce: string
  /** The type of the file system in which the owner sees the socket on which it listens; undefined if it does not listen. */
  readonly socket?: number
  /** Device and inode of the log's directory, which tell it from a copy of it; undefined where that cannot be known. */
  readonly place?: string | undefined
}

/** The owner of a file that is no lock of a log. It is never taken over. */
export const UNKNOWN_OWNER: Owner = {
  host: '',
  machineId: '',
  bootId: '',
  pidNamespace: '',
  pid: 0,
  startTime: '',
  nonce: 'unreadable'
}

/** State of a process whose first thread has ended, and of one that has ended as a whole and whose parent has not yet asked for its exit code. */
const ZOMBIE = 'Z'
/** On Linux the namespace that contains all others always has this number. */
const INITIAL_NAMESPACE = 'pid:[4026531836]'

/** The owner of a new lock of this process. */
export function ownerHere(): Owner {
  return {
    host: hostname(),
    machineId: textOf('/etc/machine-id'),
    bootId: textOf('/proc/sys/kernel/random/boot_id'),
    pidNamespace: linkOf('/proc/self/ns/pid'),
    pid: process.pid,
    startTime: statusOf(process.pid).startTime,
    nonce: randomBytes(8).toString('hex')
  }
}

/** Device and inode of a directory; undefined if there is none. */
export async function placeOf(directory: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(directory, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}

/** Whether processes that may want the lock cannot see this one by its pid. */
export function isInContainer({ pidNamespace }: Owner): boolean {
  return pidNamespace !== '' && pidNamespace !== INITIAL_NAMESPACE
}

export function decodeOwner(text: string): Owner {
  try {
    const owner = JSON.parse(text) as Owner
    if (typeof owner.pid === 'number' && /^[0-9a-f]+$/.test(owner.nonce)) return owner
  } catch {
    // Not JSON: handled below, like any other file that is no lock.
  }
  return UNKNOWN_OWNER
}

/** Whether the owner of the lock in a directory may still run. */
export async function mayLive(owner: Owner, directory: string): Promise<boolean> {
  if (owner === UNKNOWN_OWNER) return true
  const here = ownerHere()
  if (isVisible(owner, here)) return isRunning(owner)
  // The owner is in another container or on another machine, whose processes cannot be seen from here.
  if (owner.socket !== undefined && (await hasEnded(directory, owner.nonce, owner.socket))) return false
  // Name and machine id do not always tell machines apart: a host may have no machine id, and a container has that of its image. Then only a file
  // system that one machine has for itself shows that the owner was on this one.
  const hasMachineId = here.machineId !== '' && !isInContainer(here)
  const isThisMachine = isSameHost(owner, here) && (hasMachineId || (await localFileSystem(directory)) !== undefined)
  return !isThisMachine || owner.bootId === here.bootId // If this machine was restarted since, the owner has ended.
}

/**
 * Whether the owner is another process that certainly runs and has locked this very directory: not a copy of it, and not a process of the same pid
 * that has ended.
 *
 * @param place that of the directory
 */
export function runsElsewhere(owner: Owner, place: string | undefined): boolean {
  const here = ownerHere()
  if (owner.pid === here.pid || owner.startTime === '' || !isVisible(owner, here)) return false
  if (place === undefined || owner.place !== place) return false
  return statusOf(owner.pid).startTime === owner.startTime && isRunning(owner)
}

/** Whether the owner's pid means the same process here. */
function isVisible(owner: Owner, here: Owner): boolean {
  return isSameHost(owner, here) && owner.bootId === here.bootId && owner.pidNamespace === here.pidNamespace
}

function isSameHost(owner: Owner, here: Owner): boolean {
  return owner.host === here.host && owner.machineId === here.machineId
}

function isRunning(owner: Owner): boolean {
  if (!hasProcess(owner.pid)) return false
  const { state, threads, startTime } = statusOf(owner.pid)
  if (state === ZOMBIE && threads <= 1) return false
  return startTime === '' || owner.startTime === '' || startTime === owner.startTime
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

interface Status {
  readonly state: string
  readonly threads: number
  /** In clock ticks since boot. Empty where there is none. */
  readonly startTime: string
}

/** Fields 3, 20 and 22 of /proc/PID/stat, counted after the name, which may contain anything. */
function statusOf(pid: number): Status {
  const line = textOf(`/proc/${pid}/stat`)
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0] ?? '', threads: Number(fields[17]), startTime: fields[19] ?? '' }
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
