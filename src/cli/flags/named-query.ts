import { readFileSync } from 'node:fs';
import { listOnRecord } from '../../export/model/plain-value.js';
import { validQuery } from '../../export/model/valid-data.js';
import type { NamedQuery } from '../../export/model/requested-data.js';
import { systemReason } from '../../runtime/system-reason.js';
import type { FlagValue, ValueType } from './flag.js';
import { readNamedValue } from './named-value.js';
import { localPath } from './path-flags.js';
import { usageError } from './usage-error.js';

const restore = (recorded: unknown) => listOnRecord(recorded, validQuery);

/** `NAME=SQL`. */
export const NAMED_QUERIES: ValueType<readonly NamedQuery[]> = {
  parse: (given) => [namedQuery(given, ({ value }) => value)],
  restore,
};

/** `NAME=PATH` of a file with the SQL, which is read at once: a run's record has the text. */
export const QUERY_FILES: ValueType<readonly NamedQuery[]> = {
  parse: (given) => [namedQuery(given, readQuery)],
  restore,
  completes: 'files',
};

function namedQuery(given: FlagValue, read: (value: FlagValue) => string): NamedQuery {
  const named = readNamedValue(given);
  if (named === undefined) {
    throw badQuery(given.flag, `must be NAME=… or SCHEMA.NAME=…, not ${JSON.stringify(given.value)}`);
  }
  const { schema = '', name, value } = named;
  const sql = read({ flag: given.flag, value }).trim();
  if (sql === '') throw badQuery(given.flag, `has no SQL for ${JSON.stringify(name)}`);
  if (sql.endsWith(';')) throw badQuery(given.flag, `has a semicolon at the end of ${JSON.stringify(name)}`);
  return { id: { schema, name }, sql };
}

function readQuery({ flag, value }: FlagValue): string {
  const path = localPath({ flag, value });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (thrown) {
    const isEncoding = thrown instanceof TypeError;
    throw usageError({
      code: 'QUERY_FILE_NOT_READABLE',
      message: `The file ${JSON.stringify(path)} of ${flag} ${isEncoding ? 'is not text in UTF-8' : `cannot be read: ${systemReason(thrown)}`}`,
      hint: 'Give the path of a file that holds one SELECT.',
      flag,
    });
  }
}

function badQuery(flag: string, problem: string): Error {
  return usageError({
    code: 'BAD_VALUE',
    message: `${flag} ${problem}`,
    hint: `It takes a name and one SELECT without a semicolon, such as --query 'report=SELECT region, sum(amount) AS total FROM orders GROUP BY region'.`,
    flag,
  });
}
