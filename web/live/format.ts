/** Numbers and times for people. */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

export function count(value: number): string {
  return whole.format(value);
}

/** `1.2M`: for axes. */
export function short(value: number): string {
  return compact.format(value);
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** `3.2 s`, `12 ms`, `4 d`. */
export function duration(seconds: number): string {
  if (seconds === 0) return '0 s';
  if (seconds < 0.9995) return `${(seconds * 1e3).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
  const [size, unit] = UNITS.find(([size]) => seconds >= size) ?? [1, 's'];
  const value = seconds / size;
  return `${value < 10 ? value.toFixed(1) : whole.format(value)} ${unit}`;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 2 : 0)} MiB`;
}

/** As DuckDB prints a time: `2025-06-01 12:00:00` in UTC. */
export function time(seconds: number): string {
  return new Date(seconds * 1e3).toISOString().slice(0, 19).replace('T', ' ');
}
