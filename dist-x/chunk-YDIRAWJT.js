import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/core/errors.ts
var SluiceError = class _SluiceError extends Error {
  /** @param options `retryable`: it passes by itself, so that the same call may succeed later; default false */
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
    this.retryable = options?.retryable ?? false;
  }
  code;
  name = "SluiceError";
  retryable;
  /** The same error, of something that cannot be tried again. */
  forGood() {
    return new _SluiceError(this.code, this.message, { cause: this.cause });
  }
  /** Errors lose their class when they cross threads: this form survives structured cloning. */
  toMessage() {
    const { code, message, retryable } = this;
    return { code, message, retryable, cause: describeCause(this.cause) };
  }
  static fromMessage(sent) {
    const { code, message, retryable, cause } = sent;
    return new _SluiceError(code, message, { cause, retryable });
  }
};
function asSluiceError(thrown, code, context) {
  if (thrown instanceof SluiceError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new SluiceError(code, `${context}: ${message}`, { cause: thrown, retryable: isRetryable(thrown) });
}
var RETRYABLE = /* @__PURE__ */ new Set(["ENOSPC", "EDQUOT", "EBUSY", "EAGAIN", "EMFILE", "ENFILE"]);
function isRetryable(thrown) {
  return thrown instanceof Error && "syscall" in thrown && RETRYABLE.has(thrown.code);
}
var DISK = /No space left|Could not write|Cannot open file|Read-only file system|Permission denied|Disk quota|I\/O error/i;
function sinkError(thrown, context) {
  const isSystemCall = thrown instanceof Error && "syscall" in thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return asSluiceError(thrown, isSystemCall || DISK.test(message) ? "SLUICE_DATA_DIR" : "SLUICE_SINK", context);
}
function isLocked(thrown) {
  return /Could not set lock|Conflicting lock/.test(thrown.message);
}
function isOutOfMemory(thrown) {
  return /Out of Memory Error|failed to (pin|allocate)|could not allocate block/i.test(thrown.message);
}
function assert(condition, message) {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}
function describeCause(cause) {
  if (cause === void 0) return void 0;
  return cause instanceof Error ? cause.stack ?? cause.message : String(cause);
}

export {
  SluiceError,
  asSluiceError,
  sinkError,
  isLocked,
  isOutOfMemory,
  assert
};
//# sourceMappingURL=chunk-YDIRAWJT.js.map
