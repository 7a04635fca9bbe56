const originals: { readonly copy: string; readonly original: string }[] = []

/** From now on messages name the original where an error names its copy, which is gone when they are read. */
export function isCopyOf(copy: string, original: string): void {
  originals.push({ copy, original })
}

export function withOriginalPaths(text: string): string {
  return originals.reduce((told, { copy, original }) => told.replaceAll(copy, () => original), text)
}
