export const KIB = 1024
export const MIB = 1024 * 1024

export function sizeText(bytes: number): string {
  if (bytes >= MIB) return `${bytes / MIB} MiB`
  return bytes >= KIB ? `${bytes / KIB} KiB` : `${bytes} B`
}

/** 1 MiB/s = 2^20 bytes/s. */
export function mebibytesPerSecond(bytes: number, milliseconds: number): number {
  return (bytes * 1000) / MIB / milliseconds
}
