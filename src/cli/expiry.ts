/** The last ms since 1970 that an envelope has room for, in the year 10889. */
export const MAX_EXPIRES_AT = 2 ** 48 - 1

/** @param expiresAt ms since 1970; undefined for never */
export function isExpired(expiresAt: number | undefined): boolean {
  return expiresAt !== undefined && expiresAt <= Date.now()
}
