import type { ByteWriter } from '../byte-writer.js';

/** A column of a result, declared as in CREATE TABLE. */
export interface WireColumn {
  readonly name: string;
  /** `decimal(38,10)`, `nvarchar(max)`, `datetime2(7)` … */
  readonly type: string;
  /** True by default. NOT NULL columns of some types have an encoding of their own. */
  readonly nullable?: boolean;
  /** Of character types; SQL_Latin1_General_CP1_CI_AS by default. */
  readonly collation?: string;
}

/**
 * Numbers as such or in digits, dates and times in ISO 8601 with as many digits as they have, identifiers in their
 * usual form, text as a string or by its bytes on the wire.
 */
export type WireValue = string | number | bigint | boolean | Uint8Array | null;

/** How one column goes over the wire. */
export interface WireType {
  /** TYPE_INFO of COLMETADATA (MS-TDS 2.2.5.6). */
  readonly typeInfo: (out: ByteWriter) => void;
  /** The value, NULL included, as it stands in a ROW token. */
  readonly value: (out: ByteWriter, value: WireValue) => void;
}

/** The parts of a declared type. */
export interface DeclaredType {
  /** In lower case. */
  readonly name: string;
  /** What stands in the parentheses; `max` is Infinity. */
  readonly arguments: readonly number[];
}

export function parseDeclaredType(text: string): DeclaredType {
  const match = /^(\w+)(?:\((\w+)(?:,\s*(\d+))?\))?$/.exec(text.trim().toLowerCase());
  if (!match) throw new Error(`no type: ${text}`);
  const [, name = '', first, second] = match;
  const given = [first, second].filter((argument) => argument !== undefined);
  return { name, arguments: given.map((argument) => (argument === 'max' ? Infinity : Number(argument))) };
}

/** A value that must not be NULL, where the column is NOT NULL. */
export function present(value: WireValue): Exclude<WireValue, null> {
  if (value === null) throw new Error('NULL in a NOT NULL column');
  return value;
}
