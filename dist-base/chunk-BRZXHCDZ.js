import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/kernel/traps.ts
var KernelTrap = class extends Error {
  name = "KernelTrap";
  constructor(cause) {
    super(cause.message, { cause });
  }
};
var MAX_TRAPPING = 100;
function trappingMessages(spans, traps) {
  const found = [];
  const open = [spans];
  for (let part = open.pop(); part !== void 0 && found.length <= MAX_TRAPPING; part = open.pop()) {
    if (!traps(part)) continue;
    if (countOf(part) === 1) found.push(...part);
    else open.push(...halvesOf(part));
  }
  return found;
}
function without(spans, messages) {
  return spans.flatMap(({ chunk, from, to }) => {
    const removed = messages.filter((message) => message.chunk === chunk);
    const starts = [from, ...removed.map((message) => message.to)];
    const ends = [...removed.map((message) => message.from), to];
    return notEmpty(starts.map((start, index) => ({ chunk, from: start, to: ends[index] })));
  });
}
function halvesOf(spans) {
  let left = countOf(spans) >> 1;
  const first = [];
  const second = [];
  for (const { chunk, from, to } of spans) {
    const middle = Math.min(to, from + left);
    left -= middle - from;
    first.push({ chunk, from, to: middle });
    second.push({ chunk, from: middle, to });
  }
  return [notEmpty(second), notEmpty(first)];
}
function countOf(spans) {
  return spans.reduce((count, { from, to }) => count + to - from, 0);
}
function notEmpty(spans) {
  return spans.filter(({ from, to }) => from < to);
}

export {
  KernelTrap,
  MAX_TRAPPING,
  trappingMessages,
  without
};
//# sourceMappingURL=chunk-BRZXHCDZ.js.map
