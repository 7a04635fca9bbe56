/** A call that writes, from its acceptance until it may go on. */
export interface OrderedWrite<Op> {
  readonly operations: readonly Op[]
  /** Comes after every write accepted before it, and before every one accepted after it. */
  readonly isBarrier: boolean
  /** What has to be done before later writes may go on; only of a barrier. One whose work is done by whoever it goes on to has none. */
  readonly work: (() => Promise<void>) | undefined
  /** Values still being sealed, and earlier writes that have to go on first. */
  waitsFor: number
  /** Later writes that wait for this one. */
  readonly followers: OrderedWrite<Op>[]
  failure: { readonly error: unknown } | undefined
}

/**
 * Keeps writes in order: those to one key go on in the order of their calls, though the value of an earlier one may still be compressed
 * off the main thread. Others do not wait for it.
 */
export class WriteOrder<Op, Write extends OrderedWrite<Op>> {
  readonly #nameOf: (operation: Op) => string
  readonly #goOn: (write: Write) => void
  /** How many writes wait for something; none unless values are sealed off the main thread. */
  #blocked = 0
  /** Those of them that were accepted after the last blocked barrier. */
  readonly #sinceBarrier = new Set<Write>()
  /** The last blocked write of a key, by the key's name. */
  readonly #lastOfKey = new Map<string, Write>()
  #lastBarrier: Write | undefined

  /** @param goOn called once for every write, when its turn has come; its `failure` says if something it waited for has failed */
  constructor(nameOf: (operation: Op) => string, goOn: (write: Write) => void) {
    this.#nameOf = nameOf
    this.#goOn = goOn
  }

  /** Whether a write that waits for nothing itself may go on at once. */
  get isFree(): boolean {
    return this.#blocked === 0
  }

  /** @param waitsFor what has to succeed before the write goes on */
  accept(write: Write, waitsFor: readonly Promise<void>[]): void {
    for (const promise of waitsFor) {
      write.waitsFor++
      promise.then(
        () => this.#release(write),
        (error: unknown) => {
          write.failure = { error }
          this.#release(write)
        }
      )
    }
    if (this.#blocked > 0) this.#awaitEarlier(write)
    if (write.waitsFor === 0 && write.work === undefined) this.#goOn(write)
    else {
      this.#block(write)
      if (write.waitsFor === 0) this.#begin(write)
    }
  }

  #awaitEarlier(write: Write): void {
    if (this.#lastBarrier !== undefined) follow(write, this.#lastBarrier)
    if (write.isBarrier) for (const earlier of this.#sinceBarrier) follow(write, earlier)
    for (const operation of write.operations) {
      const earlier = this.#lastOfKey.get(this.#nameOf(operation))
      if (earlier !== undefined) follow(write, earlier)
    }
  }

  #block(write: Write): void {
    this.#blocked++
    if (write.isBarrier) {
      this.#lastBarrier = write
      this.#sinceBarrier.clear()
    } else this.#sinceBarrier.add(write)
    for (const operation of write.operations) this.#lastOfKey.set(this.#nameOf(operation), write)
  }

  /** One thing less to wait for. */
  #release(write: Write): void {
    if (--write.waitsFor > 0) return
    if (write.work !== undefined && write.failure === undefined) this.#begin(write)
    else this.#leave(write)
  }

  /** Later writes are held back until the work is done. */
  #begin(write: Write): void {
    write.work!().then(
      () => this.#leave(write),
      (error: unknown) => {
        write.failure = { error }
        this.#leave(write)
      }
    )
  }

  /**
   * It goes on, and with it those that waited for nothing else. Each is told of what it waited for in its turn, and not before: so what
   * waited for a barrier goes on in the order of the calls, to whichever keys. In a loop, because a chain of them may be long.
   */
  #leave(first: Write): void {
    const reached: Write[] = []
    const goOn = (write: Write) => {
      this.#unblock(write)
      this.#goOn(write)
      for (let i = write.followers.length - 1; i >= 0; i--) reached.push(write.followers[i] as Write)
    }
    goOn(first)
    for (let next = reached.pop(); next !== undefined; next = reached.pop()) {
      if (--next.waitsFor > 0) continue
      if (next.work !== undefined && next.failure === undefined) this.#begin(next)
      else goOn(next)
    }
  }

  #unblock(write: Write): void {
    this.#blocked--
    this.#sinceBarrier.delete(write)
    if (this.#lastBarrier === write) this.#lastBarrier = undefined
    for (const operation of write.operations) {
      const name = this.#nameOf(operation)
      if (this.#lastOfKey.get(name) === write) this.#lastOfKey.delete(name)
    }
  }
}

function follow<Op>(write: OrderedWrite<Op>, earlier: OrderedWrite<Op>): void {
  earlier.followers.push(write)
  write.waitsFor++
}
