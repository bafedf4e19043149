/** Parts of documents that are written by `npm run docs`, between markers. */

/** A table of Markdown, its columns aligned. @param rows the first is the head */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [head, ...body] = rows.map(line);
  return [head, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body].join('\n');
}

/**
 * The document with another text between `<!-- part: npm run docs -->` and `<!-- end -->`.
 * @throws if it does not have these markers
 */
export function withPart(document: string, part: string, text: string): string {
  const [start, end] = [`<!-- ${part}: npm run docs -->`, '<!-- end -->'];
  const from = document.indexOf(start);
  const to = document.indexOf(end, from);
  if (from === -1 || to === -1) throw new Error(`a document has no ${start} … ${end}`);
  return `${document.slice(0, from + start.length)}\n\n${text}\n\n${document.slice(to)}`;
}
