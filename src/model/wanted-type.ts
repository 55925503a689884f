/** The type that a user wants a column to be written as. Plain data. */
export type WantedType =
  | { readonly as: 'text' }
  | { readonly as: 'double' }
  | { readonly as: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly as: 'timestamp'; readonly unit: 'us' | 'ns' }
  | { readonly as: 'json' };

/** The type as users write it. */
export function wantedTypeName(wanted: WantedType): string {
  switch (wanted.as) {
    case 'decimal':
      return `decimal(${wanted.precision},${wanted.scale})`;
    case 'timestamp':
      return `timestamp(${wanted.unit})`;
    default:
      return wanted.as;
  }
}
