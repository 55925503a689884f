import { PARTITION_METHODS } from '../../engines.js';
import type { PartitionMethod } from '../../sources/source.js';

/** By name as users type it, in lower case. */
const METHODS = new Map(
  PARTITION_METHODS.flatMap(({ name, alias }) =>
    [name, alias ?? name].map((typed) => [typed.toLowerCase(), name] as const),
  ),
);

/** Names of methods, for display. */
export const METHOD_NAMES: readonly string[] = PARTITION_METHODS.map(({ name }) => name);

/** Looks up a method by name, case-insensitively; `Modulo` is `Random`. Undefined if there is none. */
export function methodNamed(text: string): PartitionMethod | undefined {
  return METHODS.get(text.trim().toLowerCase());
}
