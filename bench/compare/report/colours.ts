import type { Contender } from '../contenders/contender.js'

/** Colours are variables of the page's style, which has two sets of them: for light and for dark. */
export const FAMILY_COLOUR: Readonly<Record<Contender['family'], string>> = {
  bare: 'var(--bare)',
  rival: 'var(--rival)',
  store: 'var(--store)'
}

/** From this factor on, either way, a ratio has the full colour: ratios spread over orders of magnitude. */
const FULL_AT = 4
const MOST_PERCENT = 75

/** The colour of a ratio. A loss has a colour as strong as a gain by the same factor. */
export function ratioColour(ratio: number): string {
  const share = Math.min(1, Math.abs(Math.log(ratio)) / Math.log(FULL_AT))
  const percent = Math.round(share * MOST_PERCENT)
  return `color-mix(in srgb, ${ratio < 1 ? 'var(--loss)' : 'var(--gain)'} ${percent}%, var(--paper))`
}
