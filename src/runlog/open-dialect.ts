import { ENGINES, engineOf } from '../engines.js';
import { LakeportError } from '../errors.js';
import type { LogDialect } from '../sources/run-log-dialect.js';
import type { RunLogTarget } from './target.js';

/**
 * The dialect of a run log's database; loads its driver.
 * @throws LakeportError if the entry's settings are wrong, or a run log cannot be kept in such a database
 */
export async function openDialect(target: RunLogTarget): Promise<LogDialect> {
  const dialect = engineOf(target).runLog?.(target);
  if (dialect !== undefined) return dialect;
  const names = ENGINES.flatMap((engine) => (engine.runLog === undefined ? [] : [engine.name]));
  throw new LakeportError({
    code: 'RUN_LOG_NOT_SUPPORTED',
    message: `The run log cannot be kept in a database of type ${target.engine}`,
    hint: `Use an entry of one of these types: ${names.join(', ')}.`,
    context: { entry: target.id, detail: 'ds_type' },
  });
}
