import { CompressedKvError, type ErrorCode } from '../../src/errors.js'

/** The code of the error that `act` throws, undefined if it returns. Any error that is not ours goes through. */
export function thrownCode(act: () => unknown): ErrorCode | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    if (error instanceof CompressedKvError) return error.code
    throw error
  }
}

/** The same for a promise. */
export async function rejectedCode(promise: Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    if (error instanceof CompressedKvError) return error.code
    throw error
  }
}
