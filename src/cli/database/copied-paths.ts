const originals: { readonly copy: string; readonly original: string }[] = []

/** From now on messages name the original where an error names the copy, which is gone by the time they are read. */
export function noteCopy(copy: string, original: string): void {
  originals.push({ copy, original })
}

export function withOriginalPaths(text: string): string {
  return originals.reduce((replaced, { copy, original }) => replaced.replaceAll(copy, () => original), text)
}
