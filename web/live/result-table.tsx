/** Rows as a table. */
import { count } from './format.js';

interface ResultTableProps {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  /** Whether the caption is only for those who cannot see what is around it. */
  readonly isCaptionHidden?: boolean;
  /** Whether long numbers have commas; those that may be ids or parts of a query must not. */
  readonly isGrouped?: boolean;
}

const MAX_CELL = 300;

export function ResultTableView({
  caption,
  columns,
  rows,
  isCaptionHidden = false,
  isGrouped = false,
}: ResultTableProps) {
  const numeric = columns.map((_, index) => isNumericColumn(rows, index));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section class="scroll" tabIndex={0} aria-label={caption}>
      <table>
        <caption class={isCaptionHidden ? 'hidden' : ''}>{caption}</caption>
        <thead>
          <tr>
            {columns.map((column, index) => (
              <th key={column} scope="col" class={numeric[index] ? 'number' : ''}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, place) => (
            <tr key={place}>
              {row.map((value, index) => (
                <td key={columns[index]} class={numeric[index] ? 'number' : ''}>
                  {isGrouped && typeof value === 'number' && Number.isInteger(value) ? count(value) : cellText(value)}
                </td>
              ))}
            </tr>
          ))}
          {rows.length === 0 && (
            <tr>
              <td colSpan={columns.length} class="faint">
                no rows
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
}

export function isNumericColumn(rows: readonly (readonly unknown[])[], index: number): boolean {
  const values = rows.map((row) => row[index]).filter((value) => value !== null);
  return values.length > 0 && values.every(isNumeric);
}

function isNumeric(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value));
}

function cellText(value: unknown): string {
  if (value === null) return '∅';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.length > MAX_CELL ? `${text.slice(0, MAX_CELL)}…` : text;
}
