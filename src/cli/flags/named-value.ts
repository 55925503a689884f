import type { FlagValue } from './flag.js';

/** A name with an optional schema, in SQL's quotes or brackets, or without; then `=` and the value. */
const NAME = String.raw`\s*(?:"((?:[^"]|"")+)"|\[((?:[^\]]|\]\])+)\]|([^"[\]=.\s](?:[^"=.]*[^"=.\s])?))\s*`;
const NAMED = new RegExp(`^${NAME}(?:\\.${NAME})?=([\\s\\S]*)$`, 'u');

export interface NamedValue {
  /** Undefined if there is only one name. */
  readonly schema: string | undefined;
  readonly name: string;
  readonly value: string;
}

/** Reads `NAME=VALUE` or `SCHEMA.NAME=VALUE`; undefined if the text has another form. */
export function readNamedValue({ value }: FlagValue): NamedValue | undefined {
  const match = NAMED.exec(value);
  if (match === null) return undefined;
  const first = nameOf(match, 1) ?? '';
  const second = nameOf(match, 4);
  const named = second === undefined ? { schema: undefined, name: first } : { schema: first, name: second };
  return { ...named, value: match[7] ?? '' };
}

function nameOf(match: RegExpExecArray, at: number): string | undefined {
  return match[at]?.replaceAll('""', '"') ?? match[at + 1]?.replaceAll(']]', ']') ?? match[at + 2];
}
