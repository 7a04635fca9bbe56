/** @param expiresAt ms since 1970; undefined for never */
export function isExpired(expiresAt: number | undefined): boolean {
  return expiresAt !== undefined && expiresAt <= Date.now()
}
