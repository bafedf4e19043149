/** uPlot in the colours of the page. What a chart shows is in the text around it as well. */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { short, time } from './format.js';

export interface ChartSeries {
  /** A colour of the page, as `var(--…)`. */
  readonly colour: string;
  readonly kind: 'line' | 'bars';
}

interface ChartProps {
  readonly series: readonly ChartSeries[];
  /** Values of x, then those of each series. */
  readonly data: uPlot.AlignedData;
  readonly height?: number;
  readonly isTime?: boolean;
  /** Of a value of y, at its axis. */
  readonly format?: (value: number) => string;
  /** What is left of x on both sides, for bars. */
  readonly margin?: number;
  /** Of the values of x, where they are places in this list. */
  readonly names?: readonly string[];
}

const HEIGHT = 170;
/** In characters: names with less room than this are slanted, and cut. */
const MIN_LEVEL = 16;
const MAX_SLANTED = 14;
const CHARACTER_PIXELS = 7.5;
/** Of slanted names: the height of one, and of each of its characters; with less width, they would cover each other. */
const SLANTED_PIXELS = { name: 26, character: 4.2, least: 28 };
const DAY_SECONDS = 86_400;

export function Chart(props: ChartProps) {
  const { data } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const theme = useTheme();
  const shape = JSON.stringify([props.series, props.isTime, props.height, props.margin, props.names]);
  useEffect(() => {
    const element = place.current!;
    const made = new uPlot(optionsOf(props, element), data, element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: heightOf(props) }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [shape, theme]);
  useEffect(() => plot.current?.setData(data), [data]);
  return <div class="chart" ref={place} aria-hidden="true" />;
}

function heightOf({ height = HEIGHT }: ChartProps): number {
  return height;
}

/** Changes when the colours do. */
function useTheme(): boolean {
  const [query] = useState(() => matchMedia('(prefers-color-scheme: dark)'));
  const [isDark, setDark] = useState(query.matches);
  useEffect(() => {
    const change = () => setDark(query.matches);
    query.addEventListener('change', change);
    return () => query.removeEventListener('change', change);
  }, [query]);
  return isDark;
}

function optionsOf(props: ChartProps, element: HTMLElement): uPlot.Options {
  const { series, isTime = true, format = short, margin = 0, names } = props;
  const colour = (name: string) => resolved(name, element);
  const axis = { stroke: colour('var(--faint)'), font: '12px system-ui, sans-serif' };
  const lines = { width: 1, stroke: colour('var(--line)') };
  return {
    width: element.clientWidth,
    height: heightOf(props),
    // Room for half of the last label.
    padding: [null, 30, null, null],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: {
        time: isTime && names === undefined,
        range: (_, min, max) => (names ? [-0.6, names.length - 0.4] : [min - margin, max + margin]),
      },
      // From zero, and never empty.
      y: { range: (_, min, max) => [Math.min(0, min ?? 0), (max ?? 0) > 0 ? max * 1.1 : 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, ticks: lines, size: 36, ...xAxis(props, element.clientWidth) },
      { ...axis, grid: lines, ticks: { show: false }, size: 58, values: (_, values) => values.map(format) },
    ],
    series: [
      {},
      ...series.map(({ colour: name, kind }) => ({
        stroke: colour(name),
        width: kind === 'bars' ? 0 : 1.5,
        points: { show: false },
        spanGaps: true,
        ...(kind === 'bars' && { paths: uPlot.paths.bars!({ size: [0.85, 80] }), fill: colour(name) }),
      })),
    ],
  };
}

/** What is written below: times in UTC, as everywhere on the page, numbers, or names. */
function xAxis({ names, isTime = true }: ChartProps, width: number): Partial<uPlot.Axis> {
  if (names === undefined) {
    return isTime ? { space: 70, values: (_, splits, __, ___, step) => splits.map((at) => timeAt(at, step)) } : {};
  }
  const perName = Math.floor(width / names.length / CHARACTER_PIXELS) - 2;
  const isSlanted = perName < MIN_LEVEL;
  const room = isSlanted ? MAX_SLANTED : perName;
  const cut = (name: string) => (name.length > room ? `${name.slice(0, room - 1)}…` : name);
  const longest = Math.max(...names.map((name) => cut(name).length));
  const every = Math.ceil((names.length * SLANTED_PIXELS.least) / width);
  return {
    splits: () => names.flatMap((_, index) => (index % every === 0 ? [index] : [])),
    values: (_, places) => places.map((place) => cut(names[place] ?? '')),
    ...(isSlanted && { rotate: -40, size: SLANTED_PIXELS.name + longest * SLANTED_PIXELS.character }),
  };
}

/** @param step seconds between two of them */
function timeAt(seconds: number, step: number): string {
  const text = time(seconds);
  if (step >= DAY_SECONDS) return text.slice(0, 10);
  return step >= 60 ? text.slice(11, 16) : text.slice(11);
}

/** A canvas does not know variables, nor `light-dark()`. */
function resolved(colour: string, element: HTMLElement): string {
  const probe = document.createElement('span');
  probe.style.color = colour;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
