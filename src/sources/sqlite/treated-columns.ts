import { textLiteral } from '../../text/sql-quotes.js';
import type { ColumnSpec, Fidelity, ParquetType } from '../../columns/column-spec.js';
import { decimalType, DOUBLE, JSON_TEXT, STRING } from '../../columns/parquet-types.js';
import { HIDDEN_PART, type Mask, maskName } from '../../model/mask.js';
import type { WantedType } from '../../model/wanted-type.js';
import { type ColumnTreatment, maskIsText, typeNotPossible } from '../column-treatment.js';
import type { ColumnDecoder } from '../source.js';
import { HASH_FUNCTION } from './mask-hash.js';
import { type ColumnKind, expression, KINDS } from './types.js';

/**
 * Columns that are masked, or written as another type than their own. Their decoders are unknown to the reader of pages,
 * so that SQLite itself reads them.
 */

/** How a column is read: by its own kind, or as its treatment says. */
export interface ColumnRead extends Pick<ColumnSpec, 'mask'> {
  readonly type: ParquetType;
  readonly fidelity: Fidelity;
  readonly expression: string;
  readonly decoder: ColumnDecoder;
  /** Whether a value may not fit. */
  readonly partial: boolean;
  /** Whether it only has NULLs. */
  readonly isNull?: boolean;
}

export interface TreatedColumn {
  readonly name: string;
  readonly sourceType: string;
  readonly kind: ColumnKind;
  /** Quoted. */
  readonly quoted: string;
  readonly treatment: ColumnTreatment | undefined;
}

/** @throws LakeportError for a type that its values cannot be written as */
export function readOf(column: TreatedColumn): ColumnRead {
  const { kind, quoted, treatment = {} } = column;
  const { mask, type: wanted } = treatment;
  if (mask !== undefined && mask.method !== 'null' && wanted !== undefined && wanted.as !== 'text') {
    throw maskIsText(column, wanted);
  }
  const { type, fidelity } = KINDS[kind];
  const own = { type, fidelity, decoder: { kind }, expression: expression(kind, quoted), partial: kind !== 'any' };
  const read = wanted === undefined ? own : converted(column, wanted, own);
  return mask === undefined ? read : masked(read, mask, quoted);
}

function converted(column: TreatedColumn, wanted: WantedType, own: ColumnRead): ColumnRead {
  const { kind, quoted } = column;
  const isNumber = kind !== 'text' && kind !== 'blob';
  switch (wanted.as) {
    case 'text': {
      const { type, fidelity } = KINDS.any;
      return { type, fidelity, decoder: { kind: 'any' }, expression: expression('any', quoted), partial: false };
    }
    case 'double':
      if (!isNumber) throw typeNotPossible(column, wanted, 'its values are not numbers');
      if (kind === 'real') return own;
      return {
        ...{ type: DOUBLE, fidelity: 'lossy', decoder: { kind: 'double' }, partial: true },
        expression: `CASE typeof(${quoted}) WHEN 'integer' THEN CAST(${quoted} AS REAL) ELSE ${quoted} END`,
      };
    case 'decimal': {
      if (!isNumber) throw typeNotPossible(column, wanted, 'its values are not numbers');
      const { precision, scale } = wanted;
      const isExact = kind === 'integer' || kind === 'boolean';
      return {
        ...{ type: decimalType(precision, scale), fidelity: isExact ? 'exact' : 'lossy' },
        ...{ decoder: { kind: 'decimal' }, partial: true, expression: unscaled(quoted, wanted) },
      };
    }
    case 'json':
      if (kind !== 'text' && kind !== 'any') throw typeNotPossible(column, wanted, 'its values are not text');
      return {
        ...{ type: JSON_TEXT, fidelity: 'exact', decoder: { kind: 'json' }, partial: true },
        expression: `CASE typeof(${quoted}) WHEN 'null' THEN NULL WHEN 'text' THEN CASE WHEN json_valid(${quoted}) THEN CAST(${quoted} AS BLOB) ELSE 0 END ELSE 0 END`,
      };
    case 'timestamp':
      throw typeNotPossible(column, wanted, 'SQLite has no timestamps, only numbers and text that stand for them');
    default:
      return wanted satisfies never;
  }
}

/** Most digits of a power of ten that an integer of 64 bits holds. */
const MOST_DIGITS = 18;

/**
 * The number without its point, as an integer; as text, which no decimal column accepts, where it has too many digits.
 * An integer that overflows becomes a real number, which is then too large.
 */
function unscaled(quoted: string, { precision, scale }: Extract<WantedType, { as: 'decimal' }>): string {
  const limit = `1e${Math.min(precision, MOST_DIGITS)}`;
  // SQLite has no literal for larger integers.
  const factor = scale <= MOST_DIGITS ? `1${'0'.repeat(scale)}` : `1e${scale}`;
  const product = `${quoted} * ${factor}`;
  const fits = (value: string) => `CASE WHEN abs(${value}) < ${limit} THEN CAST(${value} AS INTEGER) ELSE 'large' END`;
  return [
    `CASE typeof(${quoted}) WHEN 'integer' THEN ${fits(product)}`,
    `WHEN 'real' THEN ${fits(`round(${product})`)} WHEN 'null' THEN NULL ELSE 'no number' END`,
  ].join(' ');
}

function masked(read: ColumnRead, mask: Mask, quoted: string): ColumnRead {
  const hidden = {
    ...read,
    mask: maskName(mask),
    fidelity: 'lossy',
    decoder: { kind: 'masked' },
    partial: false,
  } as const;
  if (mask.method === 'null') return { ...hidden, expression: 'NULL', isNull: true };
  const isPartial = mask.method === 'partial';
  const value = `CASE typeof(${quoted}) WHEN 'null' THEN NULL ELSE CAST(${maskExpression(mask, quoted)} AS BLOB) END`;
  return { ...hidden, type: STRING, expression: value, partial: isPartial };
}

function maskExpression(mask: Exclude<Mask, { method: 'null' }>, quoted: string): string {
  switch (mask.method) {
    case 'hash':
      return `${HASH_FUNCTION}(${expression('any', quoted)})`;
    case 'redact':
      return textLiteral(mask.text);
    case 'partial': {
      const { first, last } = mask;
      const text = `CASE typeof(${quoted}) WHEN 'blob' THEN hex(${quoted}) ELSE CAST(${quoted} AS TEXT) END`;
      const end = last === 0 ? '' : ` || substr(${text}, -${last})`;
      const shown = `substr(${text}, 1, ${first}) || ${textLiteral(HIDDEN_PART)}${end}`;
      return `CASE WHEN length(${text}) > ${first + last} THEN ${shown} ELSE ${textLiteral(HIDDEN_PART)} END`;
    }
  }
}
