import type { SchemaElement, SchemaTree } from 'hyparquet';

import { type Annotation, annotationOf } from './annotation.js';

/** The type of a column for display, e.g. `INT64 DECIMAL(18,2)`, `LIST<BYTE_ARRAY STRING>`: as manifests name it. */
export function typeNameOf(node: SchemaTree): string {
  const item = listItem(node);
  if (item !== undefined) return `LIST<${typeNameOf(item)}>`;
  const one = singleTypeName(node);
  return node.element.repetition_type === 'REPEATED' ? `LIST<${one}>` : one;
}

function singleTypeName(node: SchemaTree): string {
  const [key, value] = mapEntry(node) ?? [];
  if (key !== undefined && value !== undefined) return `MAP<${typeNameOf(key)}, ${typeNameOf(value)}>`;
  if (node.element.type === undefined) {
    return `STRUCT<${node.children.map((child) => `${child.element.name}: ${typeNameOf(child)}`).join(', ')}>`;
  }
  const stored = physicalTypeName(node.element);
  const annotation = annotationOf(node.element);
  return annotation === undefined ? stored : `${stored} ${annotationName(annotation)}`;
}

/** `INT64`, `FIXED_LEN_BYTE_ARRAY(16)`. */
export function physicalTypeName({ type, type_length: length }: SchemaElement): string {
  return type === 'FIXED_LEN_BYTE_ARRAY' ? `${type}(${length ?? '?'})` : (type ?? 'GROUP');
}

/** The element of a list in either of its forms (LogicalTypes.md, "Lists"); undefined for anything but a list. */
export function listItem({ element, children }: SchemaTree): SchemaTree | undefined {
  const [repeated, second] = children;
  const isList = element.converted_type === 'LIST' || element.logical_type?.type === 'LIST';
  if (!isList || repeated?.element.repetition_type !== 'REPEATED' || second !== undefined) return undefined;
  if (repeated.children.length > 1) return undefined;
  return repeated.children[0] ?? { ...repeated, element: { ...repeated.element, repetition_type: 'REQUIRED' } };
}

/** Key and value of a map; undefined for anything but a map. */
function mapEntry({ element, children }: SchemaTree): readonly SchemaTree[] | undefined {
  const [entry, second] = children;
  const isMap =
    element.converted_type === 'MAP' ||
    element.converted_type === 'MAP_KEY_VALUE' ||
    element.logical_type?.type === 'MAP';
  if (!isMap || entry?.element.repetition_type !== 'REPEATED' || second !== undefined) return undefined;
  return entry.children.length === 2 ? entry.children : undefined;
}

function annotationName(annotation: Annotation): string {
  switch (annotation.kind) {
    case 'integer':
      return `${annotation.signed ? 'INT' : 'UINT'}(${annotation.bits})`;
    case 'decimal':
      return `DECIMAL(${annotation.precision},${annotation.scale})`;
    case 'time':
    case 'timestamp':
      return `${annotation.kind.toUpperCase()}(${annotation.unit}${annotation.utc ? ', UTC' : ''})`;
    default:
      return annotation.kind.toUpperCase();
  }
}
