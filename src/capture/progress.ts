/** What a capture says of its progress. */
import { inThousands, type Progress, rateOf } from '../core/progress-line.js';
import type { Capture } from './capture.js';
import type { CaptureMetrics } from './metrics.js';

/** @param capture undefined until it begins */
export function captureProgress(
  capture: () => Pick<Capture, 'snapshotDocuments'> | undefined,
  metrics: Pick<CaptureMetrics, 'changes' | 'positionAgeSeconds'>,
): Progress {
  const rate = rateOf();
  const text = () => {
    const { changes, positionAgeSeconds } = metrics;
    const perSecond = rate(changes);
    const begun = capture();
    if (begun === undefined) return 'reading where the topic stands';
    const { snapshotDocuments } = begun;
    if (snapshotDocuments !== undefined) return `snapshot: ${inThousands(snapshotDocuments)} documents`;
    const age = inThousands(Math.round(positionAgeSeconds));
    return `${inThousands(changes)} changes  ${inThousands(perSecond)}/s  position ${age} s old`;
  };
  return { text };
}
