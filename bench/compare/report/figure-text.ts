import { bytesText, countText, threeDigits } from '../../harness/number-text.js'
import type { Operation } from '../measure/operations.js'

/** 81234 → '81.2k': figures that stand beside each other in a narrow column. */
function rateText(perSecond: number): string {
  if (perSecond >= 1e6) return `${threeDigits(perSecond / 1e6)}M`
  if (perSecond >= 1e4) return `${threeDigits(perSecond / 1e3)}k`
  return perSecond >= 100 ? countText(perSecond) : threeDigits(perSecond)
}

export function figureText({ unit }: Operation, figure: number): string {
  if (unit === '/s') return rateText(figure)
  if (unit === 'B') return bytesText(figure)
  return `${threeDigits(figure)} ${unit}`
}

/** A ratio with two digits. A loss never reads as 1.00: 0.996 becomes 0.99. */
export function ratioOf(ratio: number | undefined): string {
  if (ratio === undefined) return ''
  if (ratio < 1 && ratio >= 0.995) return '0.99'
  return ratio >= 100 ? ratio.toFixed(0) : ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2)
}
