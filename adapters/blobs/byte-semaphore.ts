interface Waiting {
  readonly bytes: number
  readonly enter: () => void
}

/** Bounds the bytes that are on their way into stores, first come, first served. A piece larger than the bound goes alone. */
export class ByteSemaphore {
  readonly #maxBytes: number
  #bytes = 0
  readonly #waiting: Waiting[] = []

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Takes room for `bytes`: at once, or when the promise resolves. {@link leave} gives it back. */
  enter(bytes: number): Promise<void> | undefined {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) {
      return new Promise(enter => this.#waiting.push({ bytes, enter }))
    }
    this.#bytes += bytes
    return undefined
  }

  leave(bytes: number): void {
    this.#bytes -= bytes
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#bytes += next.bytes
      next.enter()
    }
  }

  #fits(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#maxBytes
  }
}
