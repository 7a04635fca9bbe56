/** Told what is being measured. */
export type Progress = (what: string) => void

/** One line that overwrites itself, on a terminal only: the tables go elsewhere. */
export function terminalProgress(): { progress: Progress; done: () => void } {
  const { stderr } = process
  if (!stderr.isTTY) return { progress: () => {}, done: () => {} }
  return {
    progress: what => stderr.write(`\r\u001B[K${what}`),
    done: () => stderr.write('\r\u001B[K')
  }
}
