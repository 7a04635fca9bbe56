const MAX_GROWTH_BYTES = 64 * 1024 * 1024

/**
 * Does `act`, and throws if that raised the process's memory by 64 MiB: either what is resident behind it or, where it set a
 * new record, the most that was in between.
 */
export async function boundedMemory<T>(act: () => Promise<T>): Promise<T> {
  const residentBefore = process.memoryUsage().rss
  const recordBefore = process.resourceUsage().maxRSS
  const result = await act()
  const record = process.resourceUsage().maxRSS
  const most = Math.max(process.memoryUsage().rss, record > recordBefore ? record * 1024 : 0)
  if (most - residentBefore >= MAX_GROWTH_BYTES) throw new Error(`Memory grew by ${most - residentBefore} bytes`)
  return result
}
