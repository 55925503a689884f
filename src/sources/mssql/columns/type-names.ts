import type { Attribute } from './column-catalog.js';

const SIZED = new Set(['char', 'varchar', 'binary', 'varbinary']);
const WIDE = new Set(['nchar', 'nvarchar']);
const SCALED = new Set(['time', 'datetime2', 'datetimeoffset']);

/** As in CREATE TABLE; an alias type with its base type. */
export function displayType(attribute: Attribute): string {
  const { type, userType, isAssembly } = attribute;
  if (userType === undefined) return declared(attribute);
  return isAssembly || type === userType ? userType : `${userType} (${declared(attribute)})`;
}

function declared({ type, maxLength, precision, scale }: Attribute): string {
  if (SIZED.has(type)) return `${type}(${maxLength < 0 ? 'max' : maxLength})`;
  if (WIDE.has(type)) return `${type}(${maxLength < 0 ? 'max' : maxLength / 2})`;
  if (SCALED.has(type)) return `${type}(${scale})`;
  return type === 'decimal' || type === 'numeric' ? `${type}(${precision},${scale})` : type;
}
