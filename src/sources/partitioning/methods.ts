import { LakeportError } from '../../errors.js';

/** A partition method. Each engine lists its own; a name means the same in every engine. */
export interface PartitionMethodInfo {
  readonly name: string;
  /** Alternative name that users may write. */
  readonly alias?: string;
  readonly needsKey: boolean;
}

export const NONE: PartitionMethodInfo = { name: 'None', needsKey: false };

/** By the place of the rows, which each engine has its own name for. */
export const PHYSICAL: PartitionMethodInfo = { name: 'Physical', needsKey: false };

/** By the partitions that the database declares, each in a directory of its own. */
export const DB_PARTITION = { name: 'DBPartition', needsKey: false } as const satisfies PartitionMethodInfo;

/** The method's own name in the engine. */
export function physicalAs(method: string | undefined, name: string): string | undefined {
  return method === PHYSICAL.name ? name : method;
}

/** Methods that only need a comparable key. */
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

/** For a table configured with a method that its database does not support. */
export function methodNotSupported(options: {
  /** `PostgreSQL` */
  readonly product: string;
  readonly method: string;
  /** The methods that the source supports. */
  readonly methods: readonly PartitionMethodInfo[];
}): LakeportError {
  const { product, method, methods } = options;
  return new LakeportError({
    code: 'METHOD_NOT_SUPPORTED',
    message: `${product} has no partition method ${method}; it has ${methods.map(({ name }) => name).join(', ')}`,
    hint: 'Name one of them, or none for the automatic choice, in --table-config or the row of partition_columns',
    context: { detail: method },
  });
}
