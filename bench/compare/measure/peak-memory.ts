const SAMPLE_MS = 10

export interface PeakMemory {
  stop(): number
}

/**
 * Resident memory at its highest until `stop`, over what it was at the start, in bytes. Collects garbage, and optimized
 * code with it, before: start it before the warm-up.
 */
export async function startPeakMemory(): Promise<PeakMemory> {
  for (let i = 0; i < 2; i++) {
    globalThis.gc!()
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  const before = process.memoryUsage.rss()
  const everBefore = highestEver()
  let highest = before
  const sample = () => (highest = Math.max(highest, process.memoryUsage.rss()))
  const timer = setInterval(sample, SAMPLE_MS)
  return {
    stop: () => {
      clearInterval(timer)
      sample()
      // The system sees peaks that the timer misses, but cannot forget what was before.
      const ever = highestEver()
      return (ever > everBefore ? Math.max(ever, highest) : highest) - before
    }
  }
}

function highestEver(): number {
  return process.resourceUsage().maxRSS * 1024
}
