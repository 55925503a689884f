import { LakeportError } from '../../errors.js';

/** How a table's rows are shared out. An engine says which methods it has; a name means the same in each. */
export interface PartitionMethodInfo {
  readonly name: string;
  /** Another name that users may type. */
  readonly alias?: string;
  readonly needsKey: boolean;
}

export const NONE: PartitionMethodInfo = { name: 'None', needsKey: false };

/** Those that need nothing but a key whose values can be compared. */
export const KEY_METHODS = {
  Random: { name: 'Random', alias: 'Modulo', needsKey: true },
  RangeId: { name: 'RangeId', needsKey: true },
  Ntile: { name: 'Ntile', needsKey: true },
  DataDriven: { name: 'DataDriven', needsKey: true },
  Timepartition: { name: 'Timepartition', needsKey: true },
} as const satisfies Readonly<Record<string, PartitionMethodInfo>>;

export type KeyMethod = keyof typeof KEY_METHODS;

export function isKeyMethod(name: string): name is KeyMethod {
  return Object.hasOwn(KEY_METHODS, name);
}

/** For a table whose configuration asks for what its database has no means for. */
export function methodNotSupported(options: {
  /** `PostgreSQL` */
  readonly product: string;
  readonly method: string;
  /** Those that the source has. */
  readonly methods: readonly PartitionMethodInfo[];
}): LakeportError {
  const { product, method, methods } = options;
  return new LakeportError({
    code: 'METHOD_NOT_SUPPORTED',
    exit: 'usage',
    message: `${product} has no partition method ${method}; it has ${methods.map(({ name }) => name).join(', ')}`,
    hint: 'Name one of them, or none for the automatic choice, in --table-config or the row of partition_columns',
    context: { detail: method },
  });
}
