import { textLiteral } from '../../../text/sql-quotes.js';
import { STRING } from '../../../columns/parquet-types.js';
import { HIDDEN_PART, type Mask, maskName } from '../../../model/mask.js';
import type { StatementParameters } from '../connection/client.js';
import type { TypeMapping } from './types.js';

/** Masks, computed by the server. The salt is a parameter of the statement, so that its text does not contain it. */

const SALT = 'lakeport_mask_salt';

/** The statement's parameters: the salt if it is used. */
export function maskParameters(statement: string, salt: string | undefined): StatementParameters {
  return salt !== undefined && statement.includes(`@${SALT}`) ? { [SALT]: salt } : {};
}

/** Characters beyond the basic plane count as one. */
const WHOLE_CHARACTERS = 'Latin1_General_100_CI_AS_SC';
/** SQL Server 2019: elsewhere text has no UTF-8 form. */
const UTF8 = 'Latin1_General_100_CI_AS_SC_UTF8';

/** A mapping with the mask in place of the values; NULL stays NULL. @param text of the values */
export function maskedMapping(mapping: TypeMapping, mask: Mask, text: string): TypeMapping & { readonly mask: string } {
  const masked = { ...mapping, mask: maskName(mask), fidelity: 'lossy', partial: false } as const;
  if (mask.method === 'null') return { ...masked, decoder: { kind: 'null' }, expression: () => 'CONVERT(bit, NULL)' };
  const expression = (column: string) => `CASE WHEN ${column} IS NULL THEN NULL ELSE ${maskExpression(text, mask)} END`;
  return { ...masked, type: STRING, decoder: { kind: 'nvarchar' }, expression };
}

function maskExpression(text: string, mask: Exclude<Mask, { method: 'null' }>): string {
  switch (mask.method) {
    case 'hash': {
      const salted = `CONVERT(varchar(max), CONCAT(CONVERT(nvarchar(max), @${SALT}), ${text}) COLLATE ${UTF8})`;
      return `LOWER(CONVERT(nvarchar(64), HASHBYTES(N'SHA2_256', CONVERT(varbinary(max), ${salted})), 2))`;
    }
    case 'redact':
      return literal(mask.text);
    case 'partial': {
      const { first, last } = mask;
      const whole = `${text} COLLATE ${WHOLE_CHARACTERS}`;
      // LEN does not count blanks at the end.
      const length = `LEN(CONCAT(${whole}, N'.')) - 1`;
      const shown = `CONCAT(LEFT(${whole}, ${first}), ${literal(HIDDEN_PART)}, RIGHT(${whole}, ${last}))`;
      return `CASE WHEN ${length} > ${first + last} THEN ${shown} ELSE ${literal(HIDDEN_PART)} END`;
    }
  }
}

function literal(text: string): string {
  return `CONVERT(nvarchar(max), N${textLiteral(text)})`;
}
