import type { BatchAnswer, TdsAnswer, TdsHandler, TdsQuery } from './session.js';
import { splitStatements } from './t-sql.js';
import { TdsError } from './tokens.js';

/** An unknown column or collation: known before anything runs, where a missing object shows when its statement does. */
const EARLY = new Set([207, 448]);
/** Permissions and lock timeouts end their statement, and the next one runs. */
const STATEMENT_ENDS = new Set([229, 230, 1222]);

/** The answers of a request's statements, up to the error that ends it. @throws TdsError where none of them runs */
export async function answerStatements(query: TdsQuery, handler: TdsHandler): Promise<TdsAnswer | BatchAnswer> {
  const statements = splitStatements(query.sql);
  if (statements.length < 2) return handler(query);
  const answers: (TdsAnswer | TdsError)[] = [];
  for (const sql of statements) answers.push(await answerOne({ ...query, sql }, handler));
  const failed = answers.filter((answer) => answer instanceof TdsError);
  const early = failed.find(({ number }) => EARLY.has(number));
  if (early !== undefined) throw early;
  const end = answers.findIndex((answer) => answer instanceof TdsError && !STATEMENT_ENDS.has(answer.number));
  return { answers: end < 0 ? answers : answers.slice(0, end + 1) };
}

async function answerOne(query: TdsQuery, handler: TdsHandler): Promise<TdsAnswer | TdsError> {
  try {
    return await handler(query);
  } catch (thrown) {
    if (thrown instanceof TdsError) return thrown;
    throw thrown;
  }
}
