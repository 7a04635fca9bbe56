const SAMPLE_MS = 10

export interface PeakMemory {
  stop(): number
}

/**
 * The highest resident memory until `stop`, less what it was at the start, in bytes. Before that it collects garbage, and optimized code with it:
 * start it before the warm-up.
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
      // The system counts peaks that the timer misses, but its count also has those from before the start.
      const ever = highestEver()
      return (ever > everBefore ? Math.max(ever, highest) : highest) - before
    }
  }
}

function highestEver(): number {
  return process.resourceUsage().maxRSS * 1024
}
