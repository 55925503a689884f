import { ENGINES, engineOf } from '../engines.js';
import { LakeportError } from '../errors.js';
import type { LogDialect } from '../sources/run-log-dialect.js';
import type { RunLogTarget } from './target.js';

/**
 * The run log's side of a database, whose driver is loaded now.
 * @throws LakeportError where the entry's settings are wrong, or no run log lies in such a database
 */
export async function openDialect(target: RunLogTarget): Promise<LogDialect> {
  const dialect = engineOf(target).runLog?.(target);
  if (dialect !== undefined) return dialect;
  const names = ENGINES.flatMap((engine) => (engine.runLog === undefined ? [] : [engine.name]));
  throw new LakeportError({
    code: 'RUN_LOG_NOT_SUPPORTED',
    exit: 'usage',
    message: `The run log can't lie in a database of type ${target.engine}`,
    hint: `Name an entry of one of these types: ${names.join(', ')}.`,
    context: { entry: target.id, detail: 'ds_type' },
  });
}
