/** How much of what no sync had reached the disk still holds after a crash. */
export type Unsynced = 'all' | 'none' | 'some'

/** A disk writes one of these whole or not at all. In bytes. */
const SECTOR_BYTES = 512

type Random = () => number

/** A file: what the process reads, what the disk is sure to hold, and the writes between the two. */
export class Inode {
  readonly current: Contents
  readonly #synced: Contents
  readonly writes: Pending<Write>

  constructor(synced = new Contents(), current = new Contents(synced.bytes), writes = new Pending<Write>()) {
    this.#synced = synced
    this.current = current
    this.writes = writes
  }

  write(bytes: Uint8Array, position: number): void {
    const size = bytes.length === 0 ? 0 : position + bytes.length
    // A copy: the caller may use its buffer again.
    this.#change({ position, bytes: Buffer.from(bytes), size: Math.max(size, this.current.size) })
  }

  truncate(size: number): void {
    this.#change({ position: size, bytes: Buffer.alloc(Math.max(0, this.current.size - size)), size })
  }

  sync(end = this.writes.end): void {
    for (const write of this.writes.take(end)) this.#synced.apply(write)
  }

  afterCrash(unsynced: Unsynced, random: Random): Contents {
    if (unsynced === 'all') return new Contents(this.current.bytes)
    const contents = new Contents(this.#synced.bytes)
    if (unsynced === 'some' && this.writes.items.length > 0) this.#applySome(contents, random)
    return contents
  }

  clone(): Inode {
    return new Inode(new Contents(this.#synced.bytes), new Contents(this.current.bytes), this.writes.clone())
  }

  #change(write: Write): void {
    this.current.apply(write)
    this.writes.items.push(write)
  }

  /** Each sector as it was at some moment since the sync: the disk was given it then, and not again. So the size. */
  #applySome(contents: Contents, random: Random): void {
    const count = this.writes.items.length
    // Drawn for every crash, else hardly any would leave a long intact run.
    const survival = random()
    const moment = () => (random() < survival ? count : random() < 0.5 ? 0 : Math.floor(random() * (count + 1)))
    const sizes = [contents.size, ...this.writes.items.map(write => write.size)]
    const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
    contents.resize(most)
    const moments = new Map<number, number>()
    for (const [i, { position, bytes }] of this.writes.items.entries()) {
      for (let from = 0, to; from < bytes.length; from = to) {
        const sector = Math.floor((position + from) / SECTOR_BYTES)
        to = Math.min(bytes.length, (sector + 1) * SECTOR_BYTES - position)
        const last = moments.get(sector) ?? moment()
        moments.set(sector, last)
        if (i < last) contents.put(bytes.subarray(from, to), position + from)
      }
    }
    contents.resize(random() < 0.5 ? sizes[moment()]! : least + Math.floor(random() * (most - least + 1)))
  }
}

/** The names of files: as the process sees them, as the disk is sure to hold them, and the changes between the two. */
export class Directory {
  readonly entries: Map<string, Inode>
  readonly #synced: Map<string, Inode>
  readonly changes: Pending<NamesChange>

  constructor(synced = new Map<string, Inode>(), entries = new Map(synced), changes = new Pending<NamesChange>()) {
    this.#synced = synced
    this.entries = entries
    this.changes = changes
  }

  change(change: NamesChange): void {
    applyNames(this.entries, change)
    this.changes.items.push(change)
  }

  sync(end = this.changes.end): void {
    for (const change of this.changes.take(end)) applyNames(this.#synced, change)
  }

  afterCrash(unsynced: Unsynced, random: Random): Map<string, Inode> {
    if (unsynced === 'all') return new Map(this.entries)
    const names = new Map(this.#synced)
    if (unsynced === 'some') this.#applySome(names, random)
    return names
  }

  clone(): Directory {
    return new Directory(new Map(this.#synced), new Map(this.entries), this.changes.clone())
  }

  replaceInodes(other: (inode: Inode) => Inode): void {
    for (const names of [this.#synced, this.entries]) for (const [name, inode] of names) names.set(name, other(inode))
    const { items } = this.changes
    for (const [i, change] of items.entries()) items[i] = change.map(([name, inode]) => [name, inode && other(inode)])
  }

  /**
   * Of a journal a tail is lost. Other file systems may lose any change, but none that a later one builds on: a file that was
   * synced under one of its names keeps one.
   */
  #applySome(names: Map<string, Inode>, random: Random): void {
    const count = this.changes.items.length
    const kept = random() < 0.5 ? Math.floor(random() * (count + 1)) : undefined
    const lost = new Set<string>()
    for (const [i, change] of this.changes.items.entries()) {
      const survives = kept === undefined ? random() < 0.5 : i < kept
      if (survives && !change.some(([name]) => lost.has(name))) applyNames(names, change)
      else for (const [name] of change) lost.add(name)
    }
  }
}

/** Bytes that grow. */
export class Contents {
  #buffer: Buffer
  size: number

  /** @param bytes Are copied. */
  constructor(bytes: Uint8Array = Buffer.alloc(0)) {
    this.#buffer = Buffer.from(bytes)
    this.size = bytes.length
  }

  /** Not a copy. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.size)
  }

  apply({ position, bytes, size }: Write): void {
    this.put(bytes, position)
    this.resize(size)
  }

  /** Does not change the size. */
  put(bytes: Uint8Array, position: number): void {
    this.#reserve(position + bytes.length)
    this.#buffer.set(bytes, position)
  }

  /** What it cuts off comes back as zeros. */
  resize(size: number): void {
    this.#reserve(size)
    if (size < this.size) this.#buffer.fill(0, size, this.size)
    this.size = size
  }

  #reserve(length: number): void {
    if (length <= this.#buffer.length) return
    const larger = Buffer.alloc(Math.max(length, 2 * this.#buffer.length))
    larger.set(this.#buffer)
    this.#buffer = larger
  }
}

/** Changes in their order until a sync takes them, numbered from the first ever. */
class Pending<T> {
  items: T[] = []
  #taken = 0

  /** The number of the next. */
  get end(): number {
    return this.#taken + this.items.length
  }

  /** Takes the changes below a number. */
  take(end: number): T[] {
    const taken = this.items.splice(0, Math.max(0, end - this.#taken))
    this.#taken += taken.length
    return taken
  }

  middle(end: number): number {
    return (this.#taken + Math.max(this.#taken, end)) >>> 1
  }

  clone(): Pending<T> {
    const other = new Pending<T>()
    other.items = [...this.items]
    return other
  }
}

interface Write {
  readonly position: number
  readonly bytes: Uint8Array
  /** Of the file afterwards. */
  readonly size: number
}

/** What names stand for from now on, together: undefined if for nothing. */
export type NamesChange = readonly (readonly [name: string, inode: Inode | undefined])[]

function applyNames(names: Map<string, Inode>, change: NamesChange): void {
  for (const [name, inode] of change) {
    if (inode === undefined) names.delete(name)
    else names.set(name, inode)
  }
}
