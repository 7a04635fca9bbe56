/** How many blocks of a value are under way at once: as many as libuv has threads by default. Each is short: nobody waits long for a thread. */
export const MAX_BLOCKS = 4

/**
 * Runs `work` for blocks 0 to count - 1, a few at a time, and starts them in order. Rejects with the first failure; then no
 * further block is begun.
 */
export async function blockwise(count: number, work: (block: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) {
      try {
        await work(next++)
      } catch (error) {
        next = count
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(MAX_BLOCKS, count) }, worker))
}
