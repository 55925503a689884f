import pg from 'pg';
import { STRING } from '../../../columns/parquet-types.js';
import { HIDDEN_PART, type Mask, maskName } from '../../../model/mask.js';
import { output, whereGiven } from './expressions.js';
import { quoteName } from '../identifiers.js';
import type { ColumnRead } from './column-read.js';
import { checkedText, type MappingOptions } from './types.js';

/**
 * Masks, computed by the server. The salt is a setting of the reader's transaction, so that no statement contains it: see
 * `setMaskSalt`.
 */

const SALT_SETTING = 'lakeport.mask_salt';

/** Makes the salt known to the current transaction, and only to it. As a parameter, it is in no statement's text. */
export async function setMaskSalt(client: Pick<pg.Client, 'query'>, salt: string | undefined): Promise<void> {
  if (salt === undefined) return;
  // Without the value, which `set_config` returns.
  await client.query(`SELECT pg_catalog.set_config('${SALT_SETTING}', $1::pg_catalog.text, true) IS NULL`, [salt]);
}

/** The column with the mask in place of its values; NULL stays NULL. */
export function maskedRead(column: string, read: ColumnRead, mask: Mask, options: MappingOptions): ColumnRead {
  const masked = { ...read, fidelity: 'lossy', mask: maskName(mask) } as const;
  if (mask.method === 'null')
    return { ...masked, expression: 'NULL', decoder: { kind: 'null' }, isNull: true, partial: false };
  const name = quoteName(column);
  const expression = whereGiven(name, maskExpression(output(name), mask, options));
  const text = { ...masked, type: STRING, list: false, expression };
  if (mask.method === 'hash') return { ...text, decoder: { kind: 'text' }, partial: false };
  const { decoder, partial } = checkedText(options);
  return { ...text, decoder, partial };
}

/** Functions instead of operators, which other schemas may shadow. */
function maskExpression(text: string, mask: Exclude<Mask, { method: 'null' }>, { encoding }: MappingOptions): string {
  switch (mask.method) {
    case 'hash': {
      const salted = `pg_catalog.textcat(pg_catalog.current_setting('${SALT_SETTING}'), ${text})`;
      // Without an encoding, the bytes as they are.
      const to = encoding === 'SQL_ASCII' ? 'SQL_ASCII' : 'UTF8';
      return `pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(${salted}, '${to}')), 'hex')`;
    }
    case 'redact':
      return `CAST(${pg.escapeLiteral(mask.text)} AS pg_catalog.text)`;
    case 'partial': {
      const { first, last } = mask;
      const hidden = pg.escapeLiteral(HIDDEN_PART);
      const shown = `pg_catalog.concat(pg_catalog.left(${text}, ${first}), ${hidden}, pg_catalog.right(${text}, ${last}))`;
      return `CASE WHEN pg_catalog.int4gt(pg_catalog.length(${text}), ${first + last}) THEN ${shown} ELSE ${hidden} END`;
    }
  }
}
