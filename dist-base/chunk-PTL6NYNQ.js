import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/commands/sample-events.ts
var OPERATIONS = ["insert", "insert", "insert", "update", "update", "replace", "delete"];
var STATUSES = ["created", "paid", "packed", "shipped", "delivered", "cancelled"];
var CURRENCIES = ["USD", "EUR", "GBP", "CHF", "JPY"];
var NAMES = ["Ada", "Bj\xF6rn", "Chlo\xE9", "Dmitri", "Emre", "Fatou", "Giulia", "H\xE5kon", "In\xE8s", "Jun"];
var DAMAGED = 0.01;
var REDELIVERED = 0.02;
var TOMBSTONES = 2e-3;
var LATE = 5e-3;
var LATE_BY_MS = 36e5;
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = state + 1831565813 >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}
function* sampleEvents(count, nowMs, seed = 1) {
  const random = randomFrom(seed);
  const pick = (values) => values[Math.floor(random() * values.length)];
  let last;
  for (let index = 0; index < count; index++) {
    if (last !== void 0 && random() < REDELIVERED) {
      yield last;
      continue;
    }
    const orderId = `ORD-${String(Math.floor(random() * (count / 3 + 1))).padStart(7, "0")}`;
    const key = Buffer.from(orderId);
    if (random() < TOMBSTONES) {
      yield { key, value: null };
      continue;
    }
    const late = random() < LATE ? LATE_BY_MS : 0;
    const eventMs = nowMs - (count - index);
    const seconds = Math.floor(eventMs / 1e3);
    const name = pick(NAMES);
    const customer = Math.floor(random() * 5e3);
    const items = Array.from({ length: 1 + Math.floor(random() * 3) }, () => ({
      sku: `SKU-${Math.floor(random() * 1e3)}`,
      quantity: 1 + Math.floor(random() * 5)
    }));
    const text = JSON.stringify({
      change_id: `82${hex(seconds, 8)}${hex(index, 8)}2B022C0100296E5A1004${hex(customer, 8)}`,
      operation: pick(OPERATIONS),
      order_id: orderId,
      customer: { id: `C${customer}`, email: `${name.toLowerCase()}.${customer}@example.com`, name },
      amount: sampleAmount(random),
      currency: pick(CURRENCIES),
      status: pick(STATUSES),
      items,
      event_time: new Date(eventMs - late).toISOString()
    });
    const value = Buffer.from(text);
    last = { key, value: random() < DAMAGED ? value.subarray(0, Math.floor(value.length * random())) : value };
    yield last;
  }
}
function sampleAmount(random) {
  const amount = random() ** 4 * 5e3;
  const form = random();
  if (form < 0.5) return Number(amount.toFixed(2));
  if (form < 0.7) return { $numberDecimal: amount.toFixed(2) };
  if (form < 0.85) return `$${amount.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
  if (form < 0.97) return `${amount.toFixed(2).replace(".", ",")} EUR`;
  return form < 0.99 ? null : "to be agreed";
}
function hex(value, digits) {
  return value.toString(16).padStart(digits, "0").toUpperCase();
}

export {
  sampleEvents
};
//# sourceMappingURL=chunk-PTL6NYNQ.js.map
