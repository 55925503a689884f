import { asyncBufferFromFile, parquetMetadataAsync, type FileMetaData, type SchemaElement } from 'hyparquet';

/** A column as the file's schema describes it. */
export interface ColumnSchema {
  readonly name: string;
  /** Physical and logical type, e.g. `INT32 DECIMAL(9,2)`, in `LIST<…>` for a list. */
  readonly type: string;
  readonly required: boolean;
  readonly fieldId: number | undefined;
}

export async function readFooter(file: string): Promise<FileMetaData> {
  return parquetMetadataAsync(await asyncBufferFromFile(file));
}

export async function columnSchemas(file: string): Promise<ColumnSchema[]> {
  const { schema } = await readFooter(file);
  const columns: ColumnSchema[] = [];
  for (let at = 1; at < schema.length; at++) {
    const column = schema[at]!;
    const { name, field_id: fieldId } = column;
    const required = column.repetition_type === 'REQUIRED';
    if (column.num_children === undefined) {
      columns.push({ name, type: typeText(column), required, fieldId });
      continue;
    }
    const [list, element] = [schema[at + 1]!, schema[at + 2]!];
    const levels = [column.logical_type?.type ?? column.converted_type, list.repetition_type, list.name, element.name];
    if (levels.join(' ') !== 'LIST REPEATED list element')
      throw new Error(`${name} is no three-level list: ${levels.join(' ')}`);
    const type = `LIST<${typeText(element)}${element.repetition_type === 'REQUIRED' ? ' REQUIRED' : ''}>`;
    columns.push({ name, type, required, fieldId });
    at += 2;
  }
  return columns;
}

function typeText(element: SchemaElement): string {
  const { type = '', type_length: length, logical_type: logical } = element;
  const physical = type === 'FIXED_LEN_BYTE_ARRAY' ? `FIXED(${length})` : type;
  if (logical === undefined)
    return element.converted_type === undefined ? physical : `${physical} ${legacyText(element.converted_type)}`;
  switch (logical.type) {
    case 'DECIMAL':
      return `${physical} DECIMAL(${logical.precision},${logical.scale})`;
    case 'INTEGER':
      return `${physical} ${logical.isSigned ? '' : 'U'}INT(${logical.bitWidth})`;
    case 'TIME':
    case 'TIMESTAMP':
      return `${physical} ${logical.type}(${logical.unit}, ${logical.isAdjustedToUTC ? 'UTC' : 'local'})`;
    default:
      return `${physical} ${logical.type}`;
  }
}

/** `INT_16` as `INT(16)`. */
function legacyText(type: string): string {
  return type.replace(/^(U?INT)_(\d+)$/, '$1($2)');
}
