/** What the bundle makes of files that are no code: the address of a copy, relative to the script; or the text. */
declare module '*.wasm' {
  const address: string;

  export { address as default };
}
declare module '*.ndjson' {
  const text: string;

  export { text as default };
}
declare module '*.jsonl' {
  const text: string;

  export { text as default };
}
