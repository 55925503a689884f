import type { TextStyles } from '../connection/server.js';

/** Values as text that the server makes, with every digit: a plain conversion would cut some off. */

const CHARACTERS = 'nvarchar(max)';

export function textForm(type: string, column: string, styles: TextStyles): string {
  const text = (value: string, style?: number) =>
    `CONVERT(${CHARACTERS}, ${value}${style === undefined ? '' : `, ${style}`})`;
  switch (type) {
    case 'float':
    case 'real':
      return text(column, styles.allDigits ? 3 : 2);
    case 'money':
      return text(`CONVERT(decimal(19,4), ${column})`);
    case 'smallmoney':
      return text(`CONVERT(decimal(10,4), ${column})`);
    case 'date':
    case 'time':
    case 'smalldatetime':
    case 'datetime':
    case 'datetime2':
    case 'datetimeoffset':
      return text(column, 121);
    case 'binary':
    case 'varbinary':
    case 'timestamp':
    case 'rowversion':
      return text(column, 1);
    case 'image':
      return text(`CONVERT(varbinary(max), ${column})`, 1);
    default:
      return text(column);
  }
}

/** Whether a value's text has all of its digits. */
export function hasAllDigits(type: string, { allDigits, hexadecimal }: TextStyles): boolean {
  if (type === 'float' || type === 'real') return allDigits;
  return !['binary', 'varbinary', 'timestamp', 'rowversion', 'image'].includes(type) || hexadecimal;
}
