import type { EntryKind, EntryKinds, ImpliedFields } from './entry-kind.js';

/** The declared type of an entry: one of the kinds, or one that is not available yet. */
export type DeclaredType =
  | {
      readonly kind: EntryKind;
      readonly isStorage: boolean;
      /** Fields implied by the name of the type. */
      readonly implied: ImpliedFields;
    }
  | { readonly unavailable: string };

/** Values of `storage_type`, or of `ds_type`, for messages. */
export function knownTypes(field: 'storage_type' | 'ds_type', kinds: EntryKinds): readonly string[] {
  const all = field === 'storage_type' ? kinds.storages : [...kinds.databases, ...kinds.storages];
  return all.flatMap(({ types }) => Object.keys(types));
}

/** The type that a `storage_type` or `ds_type` names, or undefined. A `ds_type` may name a storage too. */
export function declaredType(
  field: 'storage_type' | 'ds_type',
  name: string,
  kinds: EntryKinds,
): DeclaredType | undefined {
  const plain = name.trim().toLowerCase();
  for (const kind of kinds.storages) {
    const implied = impliedBy(kind, plain);
    if (implied !== undefined) return { kind, isStorage: true, implied };
  }
  if (field === 'storage_type') return undefined;
  for (const kind of kinds.databases) {
    const implied = impliedBy(kind, plain);
    if (implied !== undefined) return { kind, isStorage: false, implied };
  }
  return kinds.laterDatabases.includes(plain) ? { unavailable: plain } : undefined;
}

function impliedBy({ types, typeSuffix }: EntryKind, name: string): ImpliedFields | undefined {
  if (Object.hasOwn(types, name)) return types[name];
  return typeSuffix !== undefined && name.endsWith(typeSuffix) ? {} : undefined;
}

/** Whether the two type fields of an entry agree. */
export function isSameType(a: DeclaredType, b: DeclaredType): boolean {
  if ('unavailable' in a || 'unavailable' in b) return false;
  return a.kind === b.kind && JSON.stringify(a.implied) === JSON.stringify(b.implied);
}
