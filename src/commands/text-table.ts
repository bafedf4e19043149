/** A table for eyes: columns side by side, or a block of lines per row if they do not fit beside each other. */

const CELL_WIDTH = 60;
const GAP = '  ';

/**
 * @param count of all rows, `rows` may be the first of them
 * @param width of the terminal in characters, undefined if it has no end
 */
export function drawTable(
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
  count: number,
  width: number | undefined,
): string {
  const cells = [columns, ...rows].map((row) => row.map(tableCell));
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => lengthOf(row[index]))));
  const total = widths.reduce((sum, each) => sum + each, GAP.length * (widths.length - 1));
  const more = count > rows.length ? `… and ${count - rows.length} more rows (of ${count})\n` : '';
  if (width !== undefined && total > width && rows.length > 0) return drawBlocks(cells, width) + more;
  const numeric = columns.map((_, index) => {
    const values = rows.map((row) => row[index]).filter((value) => value !== null);
    return values.length > 0 && values.every(isNumeric);
  });
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => pad(cell, widths[index], numeric[index]))
      .join(GAP)
      .trimEnd();
  const [head, ...body] = cells.map(line);
  const rule = widths.map((each) => '─'.repeat(each)).join(GAP);
  return `${[head, rule, ...body].map((text) => cut(text, width)).join('\n')}\n${more}`;
}

/** Each row as lines of a column's name and its value. */
function drawBlocks([columns, ...rows]: readonly (readonly string[])[], width: number): string {
  const nameWidth = Math.max(...columns.map(lengthOf));
  const blocks = rows.map((row, index) => {
    const title = `── row ${index + 1} `;
    const lines = row.map((cell, column) => cut(`${pad(columns[column], nameWidth, false)}${GAP}${cell}`, width));
    return `${[cut(title.padEnd(Math.min(width, CELL_WIDTH), '─'), width), ...lines].join('\n')}\n`;
  });
  return blocks.join('');
}

function tableCell(value: unknown): string {
  if (value === null || value === undefined) return '∅';
  return cut((typeof value === 'object' ? JSON.stringify(value) : String(value)).replace(/\s+/g, ' '), CELL_WIDTH);
}

function cut(text: string, width: number | undefined): string {
  if (width === undefined || lengthOf(text) <= width) return text;
  return `${[...text].slice(0, width - 1).join('')}…`;
}

function lengthOf(text: string): number {
  return [...text].length;
}

function isNumeric(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value));
}

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(width - lengthOf(text));
  return right ? space + text : text + space;
}
