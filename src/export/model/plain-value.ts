/** Parts of plain data whose shape is not known: a run's record, or what JavaScript gives to the API. */

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOnRecord(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** @returns undefined if any item is invalid */
export function listOnRecord<T>(value: unknown, restore: (item: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items = value.flatMap((item) => restore(item) ?? []);
  return items.length === value.length ? items : undefined;
}
