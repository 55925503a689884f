import { bytesText, floatText, type Cell } from '../../harness/parquet-readers/cell.js';
import type { WireColumn, WireValue } from './result-set.js';
import { parseDeclaredType } from './types/wire-type.js';

/** The text that readers of Parquet give for a value of a column, made from the value as the server was given it. */
export function expectedCell({ type }: WireColumn, value: WireValue): Cell {
  if (value === null) return null;
  const { name, arguments: given } = parseDeclaredType(type);
  const text = String(value);
  switch (name) {
    case 'bit':
      return Number(value) === 0 ? 'f' : 't';
    case 'real':
      return floatText(Math.fround(Number(value)));
    case 'float':
      return floatText(Number(value));
    case 'decimal':
    case 'numeric':
      return withDigits(text, given[1] ?? 0);
    case 'money':
    case 'smallmoney':
      return withDigits(text, 4);
    case 'time':
      return trimmed(text.slice(0, 15));
    case 'datetime2':
      return trimmed(text.slice(0, 26).replace('T', ' '));
    case 'smalldatetime':
      return text.replace('T', ' ');
    case 'datetime':
      return datetimeText(text);
    case 'datetimeoffset':
      return instantText(text);
    case 'binary':
    case 'varbinary':
      return bytesText(value as Uint8Array);
    default:
      return text;
  }
}

/** As many digits behind the point as the type has. */
function withDigits(text: string, scale: number): string {
  const [whole = '', fraction = ''] = text.split('.');
  return scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, '0')}`;
}

function trimmed(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** To the nearest tick of 1/300 s, in microseconds. */
function datetimeText(text: string): string {
  const [date = '', time = ''] = text.split('T');
  const [clock = '', fraction = '0'] = time.split('.');
  const tick = Math.round(Number(`0.${fraction}`) * 300);
  const micros = String(Math.round((tick * 1_000_000) / 300)).padStart(6, '0');
  return trimmed(`${date} ${clock}.${micros}`);
}

function instantText(text: string): string {
  const [, local = '', fraction = '', sign = '+', hours = '0', minutes = '0'] =
    /^(.{19})(?:\.(\d+))?([+-])(\d\d):(\d\d)$/.exec(text) ?? [];
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
  const utc = new Date(Date.parse(`${local}Z`) - offset * 60_000).toISOString().slice(0, 19).replace('T', ' ');
  return `${trimmed(`${utc}.${fraction.slice(0, 6).padEnd(6, '0')}`)}+00`;
}
