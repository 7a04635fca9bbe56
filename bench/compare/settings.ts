const MIB = 1024 * 1024

/** How much is done, which decides how long a run takes. */
export interface Settings {
  /** How many rounds the comparison has. In each, every contender has a process of its own. */
  readonly rounds: number
  /** How long one operation is measured in one round. */
  readonly operationMs: number
  /** Values that the database holds when it is read, and no more records than that. */
  readonly heldBytes: number
  readonly heldRecords: number
  /** The longest that filling it may take; slow contenders then hold fewer. */
  readonly fillMs: number
  readonly acceptance: AcceptanceSettings
}

export interface AcceptanceSettings {
  readonly rounds: number
  readonly operationMs: number
  /** What is put without a pause, in records of 1 KiB. */
  readonly sustainedBytes: number
  /** And in values of 2 MiB. */
  readonly largeBytes: number
  /** Entries in the database before the puts whose processor time is compared with that over `FEW_ENTRIES`. */
  readonly manyEntries: number
}

export const FEW_ENTRIES = 10_000

const DEFAULT: Settings = {
  rounds: 3,
  operationMs: 70,
  heldBytes: 24 * MIB,
  heldRecords: 20_000,
  fillMs: 3000,
  acceptance: { rounds: 5, operationMs: 300, sustainedBytes: 64 * MIB, largeBytes: 128 * MIB, manyEntries: 100_000 }
}

const QUICK: Settings = {
  rounds: 1,
  operationMs: 25,
  heldBytes: 8 * MIB,
  heldRecords: 5000,
  fillMs: 1500,
  acceptance: { rounds: 3, operationMs: 60, sustainedBytes: 24 * MIB, largeBytes: 32 * MIB, manyEntries: 20_000 }
}

const FULL: Settings = {
  ...DEFAULT,
  rounds: 5,
  operationMs: 200,
  acceptance: { ...DEFAULT.acceptance, sustainedBytes: 400 * MIB, manyEntries: 1_000_000 }
}

export type Effort = 'quick' | 'default' | 'full'

export const SETTINGS: Readonly<Record<Effort, Settings>> = { quick: QUICK, default: DEFAULT, full: FULL }

/** The most memory that the values of calls in flight hold. */
const IN_FLIGHT_BYTES = 64 * MIB
const LEAST_IN_FLIGHT = 8

/** 1000 values of 2 MiB in flight are 2 GiB: large values get fewer. */
export function boundedInFlight(wanted: number, valueBytes: number): number {
  return Math.min(wanted, Math.max(LEAST_IN_FLIGHT, Math.floor(IN_FLIGHT_BYTES / valueBytes)))
}

/** Records that the database holds when it is read. */
export function heldRecords({ heldBytes, heldRecords: most }: Settings, valueBytes: number): number {
  return Math.min(most, Math.max(LEAST_IN_FLIGHT, Math.floor(heldBytes / valueBytes)))
}
