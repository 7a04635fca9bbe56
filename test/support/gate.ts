/** Holds whoever waits at it until the test opens it. */
export class Gate {
  readonly #opened: Promise<void>
  #open!: () => void
  readonly #reached: Promise<void>
  #reach!: () => void
  /** How many came so far. */
  arrivals = 0

  constructor() {
    this.#opened = new Promise(resolve => (this.#open = resolve))
    this.#reached = new Promise(resolve => (this.#reach = resolve))
  }

  /** Resolves when somebody waits, or has waited. */
  get reached(): Promise<void> {
    return this.#reached
  }

  wait(): Promise<void> {
    this.arrivals++
    this.#reach()
    return this.#opened
  }

  open(): void {
    this.#open()
  }
}
