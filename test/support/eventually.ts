/**
 * For `vi.waitFor` of what takes other threads, timers or the disk. It ends as soon as it is so; the limit is one for a test that
 * would never end, far above what a busy machine takes, and below the limit of a test.
 */
export const EVENTUALLY = { timeout: 30_000, interval: 5 } as const
