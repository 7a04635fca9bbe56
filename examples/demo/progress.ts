import { Presets, SingleBar } from 'cli-progress'

interface Progress {
  readonly advance: (bytes: number) => void
  /** Tells what is being done now. */
  readonly say: (what: string) => void
  readonly stop: () => void
}

/** A bar on a terminal, nothing where the output goes to a file or a pipe. */
export function startProgress(totalBytes: number): Progress {
  if (!process.stderr.isTTY) return { advance: () => {}, say: () => {}, stop: () => {} }
  const bar = new SingleBar(
    { format: ' {bar} {percentage} % | {what}', hideCursor: true, clearOnComplete: true, barsize: 30 },
    Presets.shades_classic
  )
  bar.start(totalBytes, 0, { what: '' })
  return {
    advance: bytes => bar.increment(bytes),
    say: what => bar.update({ what }),
    stop: () => bar.stop()
  }
}
