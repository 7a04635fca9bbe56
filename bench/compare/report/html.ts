/** Text that is safe between tags and in attributes. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** Cells are text; `number` columns are set to the right. */
export function tableOf(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: readonly number[]
): string {
  const row = (tag: 'td' | 'th') => (cells: readonly string[]) => {
    const inner = cells.map(
      (cell, i) => `<${tag}${numbers.includes(i) ? ' class="number"' : ''}>${escaped(cell)}</${tag}>`
    )
    return `<tr>${inner.join('')}</tr>`
  }
  return `<div class="wide"><table><thead>${row('th')(head)}</thead><tbody>${rows.map(row('td')).join('\n')}</tbody></table></div>`
}
