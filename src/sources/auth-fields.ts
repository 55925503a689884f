import { given, quoted, type GivenFields, type Report } from '../auth/entry-fields.js';
import { duration, limit, wholeNumber } from '../auth/fields.js';

/** What the entries of database servers have in common. */

export const port = wholeNumber({ least: 1, most: 65535 });

export const timeoutFields = {
  connect_timeout: { schema: duration.default(30_000) },
  statement_timeout: { schema: limit.default(0) },
};

/** In milliseconds; undefined for no limit. */
export function sessionTimeouts(found: { readonly connect_timeout: number; readonly statement_timeout: number }) {
  const { connect_timeout: connectTimeoutMs, statement_timeout: statementTimeout } = found;
  return { connectTimeoutMs, statementTimeoutMs: statementTimeout === 0 ? undefined : statementTimeout };
}

/** A connection string and single fields cannot both say where to connect. */
export function checkConnectionString(found: GivenFields, singles: readonly string[], report: Report): void {
  const beside = given(found, singles);
  if (found['connection_string'] === undefined || beside.length === 0) return;
  report('connection_string', `cannot be combined with ${quoted(beside)}: give either the string or the single fields`);
}

/** Fields that are required unless there is a connection string. */
export function requireFields(found: GivenFields, names: readonly string[], report: Report): void {
  if (found['connection_string'] !== undefined) return;
  for (const name of names) if (found[name] === undefined) report(name, 'is missing');
}
