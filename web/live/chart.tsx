/** uPlot in the colours of the page. What a chart shows is in the text around it as well. */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { short } from './format.js';

export interface ChartSeries {
  /** A colour of the page, as `var(--…)`. */
  readonly colour: string;
  readonly kind: 'line' | 'bars';
  readonly isFilled?: boolean;
}

interface ChartProps {
  readonly series: readonly ChartSeries[];
  /** Values of x, then those of each series. */
  readonly data: uPlot.AlignedData;
  readonly height?: number;
  readonly isTime?: boolean;
  /** Of a value of y, at its axis. */
  readonly format?: (value: number) => string;
  /** Of the values of x, where they are places in this list. */
  readonly names?: readonly string[];
}

const HEIGHT = 170;
const MAX_NAME = 14;

export function Chart(props: ChartProps) {
  const { data } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const theme = useTheme();
  const shape = JSON.stringify([props.series, props.isTime, props.height, props.names]);
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
  const { series, isTime = true, format = short, names } = props;
  const colour = (name: string) => resolved(name, element);
  const axis = { stroke: colour('var(--faint)'), font: '12px system-ui, sans-serif' };
  const lines = { width: 1, stroke: colour('var(--line)') };
  const nameOf = (value: number) => {
    const name = names?.[value] ?? '';
    return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name;
  };
  const ofNames = names && {
    splits: () => names.map((_, index) => index),
    values: (_: uPlot, places: number[]) => places.map(nameOf),
    rotate: names.length > 6 ? -40 : 0,
    size: names.length > 6 ? 84 : 36,
  };
  return {
    width: element.clientWidth,
    height: heightOf(props),
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: {
        time: isTime && names === undefined,
        ...(names && { range: [-0.6, names.length - 0.4] as [number, number] }),
      },
      // From zero, and never empty.
      y: { range: (_, min, max) => [Math.min(0, min ?? 0), (max ?? 0) > 0 ? max * 1.1 : 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, ticks: lines, size: 36, ...ofNames },
      { ...axis, grid: lines, ticks: { show: false }, size: 58, values: (_, values) => values.map(format) },
    ],
    series: [
      {},
      ...series.map(({ colour: name, kind, isFilled = false }) => ({
        stroke: colour(name),
        width: kind === 'bars' ? 0 : 1.5,
        points: { show: false },
        spanGaps: true,
        ...(isFilled && { fill: colour(name) }),
        ...(kind === 'bars' && { paths: uPlot.paths.bars!({ size: [0.85, 60] }), fill: colour(name) }),
      })),
    ],
  };
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
