import type { Command } from 'commander';
export function addParseCommand(_program: Command): void {}
