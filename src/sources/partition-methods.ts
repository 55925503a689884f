import { LakeportError } from '../errors.js';
import type { PartitionMethod } from './source.js';

/** For a table whose configuration asks for what its database has no means for. */
export function methodNotSupported(options: {
  /** `PostgreSQL` */
  readonly product: string;
  readonly method: PartitionMethod;
  /** Those that the source has. */
  readonly methods: readonly PartitionMethod[];
}): LakeportError {
  const { product, method, methods } = options;
  return new LakeportError({
    code: 'METHOD_NOT_SUPPORTED',
    exit: 'usage',
    message: `${product} has no partition method ${method}; it has ${methods.join(', ')}`,
    hint: 'Name one of them, or none for the automatic choice, in --table-config or the row of partition_columns',
    context: { detail: method },
  });
}
