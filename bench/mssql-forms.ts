import { LINEITEM, encodeLineitem } from './mssql-lineitem.js';
import type { WireColumn, WireValue } from '../test/servers/tds/result-set.js';
import type { EncodedResult } from '../test/servers/tds/session.js';

/** Forms in which a query may ask for the decimals of `lineitem`. */
export interface DecimalForm {
  readonly name: string;
  /** What the query would ask for. */
  readonly expression: string;
  readonly type: string;
  readonly value: (text: string) => WireValue;
  readonly isExact: string;
}

const unscaled = (text: string): string => String(BigInt(text.replace('.', '')));

export const FORMS: readonly DecimalForm[] = [
  { name: 'as they are', expression: 'c', type: 'decimal(15,2)', value: (text) => text, isExact: 'the bytes are' },
  {
    name: 'as text',
    expression: 'CONVERT(varchar(40), c)',
    type: 'varchar(40)',
    value: (text) => text,
    isExact: 'yes',
  },
  {
    name: 'as a whole number',
    expression: 'CAST(c * 100 AS bigint)',
    type: 'bigint',
    value: unscaled,
    isExact: 'to 18 digits',
  },
  {
    name: 'as bytes',
    expression: 'CONVERT(varbinary(17), c)',
    type: 'varbinary(17)',
    value: binaryForm,
    isExact: 'yes',
  },
];

/** Precision, scale, a zero, the sign, then the magnitude in four bytes or more: how the server stores a decimal. */
function binaryForm(text: string): Uint8Array {
  const magnitude = BigInt(unscaled(text.replace('-', '')));
  const bytes = Buffer.alloc(12);
  bytes.set([15, 2, 0, text.startsWith('-') ? 0 : 1]);
  bytes.writeBigUInt64LE(magnitude, 4);
  return bytes;
}

export function encodeForm({ type, value }: DecimalForm): Omit<EncodedResult, 'count'> {
  return encodeLineitem(formColumns(type), (text, column) => (isDecimal(column) ? value(text) : text));
}

export function formColumns(type: string): WireColumn[] {
  return LINEITEM.map((column, i) => (isDecimal(i) ? { ...column, type } : column));
}

function isDecimal(column: number): boolean {
  return LINEITEM[column]?.type.startsWith('decimal') ?? false;
}
