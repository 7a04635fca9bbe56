/** How figures are printed. Rates and sizes are decimal: 1 MB is 10^6 bytes. */
export function bytesText(bytes: number): string {
  if (Math.abs(bytes) < 1e3) return `${Math.round(bytes)} B`
  if (Math.abs(bytes) < 1e6) return `${threeDigits(bytes / 1e3)} kB`
  return `${threeDigits(bytes / 1e6)} MB`
}

/** 1234567 → '1,234,567' */
export function countText(count: number): string {
  return Math.round(count).toLocaleString('en')
}

export function threeDigits(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

export function ratioText(ratio: number): string {
  return ratio.toFixed(2)
}

export function megabytesPerSecond(bytes: number, milliseconds: number): number {
  return bytes / 1e3 / milliseconds
}
