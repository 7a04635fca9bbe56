/** Runs `task` for 0 to count - 1, never more than `limit` of them at once. Rejects with the first failure. */
export async function inFlight(count: number, limit: number, task: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await task(next++)
  }
  await Promise.all(Array.from({ length: Math.min(limit, count) }, worker))
}

/** The same, until `milliseconds` are over; each of the `limit` places runs at least one. Returns how many ran. */
export async function inFlightFor(
  milliseconds: number,
  limit: number,
  task: (index: number) => Promise<unknown>
): Promise<number> {
  const deadline = performance.now() + milliseconds
  let ran = 0
  const worker = async () => {
    do await task(ran++)
    while (performance.now() < deadline)
  }
  await Promise.all(Array.from({ length: limit }, worker))
  return ran
}
