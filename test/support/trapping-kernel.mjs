/**
 * Makes the kernel trap on messages with these texts; the kernel itself is known to trap on none. To be imported by a
 * test, or by the whole program: `NODE_OPTIONS=--import=…`.
 *
 *   trap:alone               always
 *   trap:left, trap:right    if an instance reads both
 *   trap:once                the first time in a thread
 *   out of memory            instead of a trap, the thread takes memory without an end
 *
 * An instance that has trapped traps on everything.
 */

/** `(module (func (export "trap") unreachable))` */
const UNREACHABLE = new WebAssembly.Module(
  new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00],
    ...[0x07, 0x08, 0x01, 0x04, ...Buffer.from('trap'), 0x00, 0x00, 0x0a, 0x05, 0x01, 0x03, 0x00, 0x00, 0x0b],
  ]),
);
/** Of kernels/abi.json: where the value at offset 0 is, and the address of the offsets. */
const [VALUES, VALUE_OFFSETS] = [64, 68];
const { Instance } = WebAssembly;
const { trap } = new Instance(UNREACHABLE).exports;
let trappedOnce = false;

WebAssembly.Instance = class extends Instance {
  #exports;

  constructor(module, imports) {
    super(module, imports);
    const exports = super.exports;
    this.#exports = exports.readChunk === undefined ? exports : trapping(exports, imports.env.memory);
  }

  get exports() {
    return this.#exports;
  }
};

function trapping(exports, memory) {
  const seen = { left: false, right: false, trapped: false };
  const readChunk = (rows) => {
    const input = inputOf(memory, rows);
    seen.left ||= input.includes('trap:left');
    seen.right ||= input.includes('trap:right');
    if (input.includes('out of memory')) takeAllMemory();
    const once = !trappedOnce && input.includes('trap:once');
    trappedOnce ||= once;
    seen.trapped ||= once || input.includes('trap:alone') || (seen.left && seen.right);
    if (seen.trapped) trap();
    exports.readChunk(rows);
  };
  return { ...exports, readChunk };
}

function takeAllMemory() {
  for (const held = []; ; held.push(Array.from({ length: 100_000 }, () => [])));
}

function inputOf(memory, rows) {
  const view = new DataView(memory.buffer);
  const base = view.getUint32(VALUES, true);
  const offsets = view.getUint32(VALUE_OFFSETS, true);
  const [start, end] = [0, rows].map((row) => base + view.getInt32(offsets + 4 * row, true));
  return Buffer.from(memory.buffer, start, end - start);
}
