import type { Client } from 'pg';

/**
 * The characters of a database's encoding, as the server itself converts them. Text is fetched in the database's own
 * encoding and converted here: the server would fail a whole read over one byte that has no character, and no third-party
 * conversion table agrees with the server's in every character.
 */
export interface DatabaseCharacters {
  /** The server's name of the encoding, such as `WIN1252`. */
  readonly encoding: string;
  /** The character of each code beyond ASCII; a code of several bytes is read as one number, the first byte highest. */
  readonly byCode: ReadonlyMap<number, string>;
}

/** SQLSTATEs of a code that is no character, or has no counterpart in UTF-8. */
const NO_CHARACTER = new Set(['22021', '22P05']);
/** SQLSTATEs of a language that does not exist or is not permitted. */
const NO_LANGUAGE = new Set(['42704', '42501']);

/**
 * Asks the server: in one statement if it has PL/pgSQL, otherwise in a few for a single-byte encoding and in thousands
 * for others. Call it in a transaction.
 */
export async function readCharacters(client: Client, encoding: string): Promise<DatabaseCharacters> {
  const rows = rowsOf(encoding);
  const atOnce = await unless(NO_LANGUAGE, client, () => convertRows(client, encoding, rows));
  return { encoding, byCode: atOnce ?? (await convertHalves(client, encoding, rows.flat())) };
}

/** Undefined if it fails with one of these SQLSTATEs; the transaction stays usable. */
async function unless<T>(states: ReadonlySet<string>, client: Client, work: () => Promise<T>): Promise<T | undefined> {
  await client.query('SAVEPOINT conversion');
  try {
    const result = await work();
    await client.query('RELEASE SAVEPOINT conversion');
    return result;
  } catch (error) {
    const state = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!states.has(state)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT conversion');
    return undefined;
  }
}

/** The characters of these codes, separated by commas; fails if one has none. Both are hexadecimal. */
const CONVERSION = (encoding: string, codes: string) => `
  SELECT pg_catalog.string_agg(
           pg_catalog.encode(pg_catalog.convert(pg_catalog.decode(code, 'hex'), ${encoding}, 'UTF8'), 'hex'),
           ',' ORDER BY position)
  FROM pg_catalog.unnest(pg_catalog.string_to_array(${codes}, ',')) WITH ORDINALITY AS u (code, position)`;

/** Converts a row at once if all of its codes have a character, otherwise code by code. INFO always reaches the client. */
async function convertRows(client: Client, encoding: string, rows: readonly number[][]): Promise<Map<number, string>> {
  const byCode = new Map<number, string>();
  const listen = ({ message = '' }: { readonly message?: string | undefined }) => {
    const [, codes, characters] = /^characters ([\da-f,]+) ([\da-f,]+)$/.exec(message) ?? [];
    if (codes !== undefined && characters !== undefined) collect(byCode, hexNumbers(codes), characters);
  };
  const conversion = (codes: string) => CONVERSION(client.escapeLiteral(encoding), codes).trim();
  client.on('notice', listen);
  try {
    await client.query(`DO LANGUAGE plpgsql $lakeport$
      DECLARE
        codes text;
        single text;
      BEGIN
        FOREACH codes IN ARRAY pg_catalog.string_to_array('${rows.map(hexList).join(';')}', ';') LOOP
          BEGIN
            RAISE INFO 'characters % %', codes, (${conversion('codes')});
          EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
            FOREACH single IN ARRAY pg_catalog.string_to_array(codes, ',') LOOP
              BEGIN
                RAISE INFO 'characters % %', single, (${conversion('single')});
              EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
                NULL;
              END;
            END LOOP;
          END;
        END LOOP;
      END $lakeport$`);
  } finally {
    client.off('notice', listen);
  }
  return byCode;
}

/** Bisects failing ranges until the codes without a character are isolated. */
async function convertHalves(client: Client, encoding: string, all: readonly number[]): Promise<Map<number, string>> {
  const byCode = new Map<number, string>();
  const open = [all];
  for (let codes = open.pop(); codes !== undefined; codes = open.pop()) {
    const some = codes;
    const characters = await unless(NO_CHARACTER, client, async () => {
      const { rows } = await client.query<{ characters: string }>(
        `SELECT (${CONVERSION('$1::pg_catalog.name', '$2::pg_catalog.text')}) AS characters`,
        [encoding, hexList(some)],
      );
      return rows[0]?.characters ?? '';
    });
    if (characters !== undefined) {
      collect(byCode, some, characters);
    } else if (some.length > 1) {
      const middle = some.length >> 1;
      open.push(some.slice(middle), some.slice(0, middle));
    }
  }
  return byCode;
}

function collect(byCode: Map<number, string>, codes: readonly number[], characters: string): void {
  characters.split(',').forEach((bytes, index) => {
    const code = codes[index];
    if (code !== undefined) byCode.set(code, Buffer.from(bytes, 'hex').toString());
  });
}

function hexList(codes: readonly number[]): string {
  return codes.map((code) => code.toString(16)).join(',');
}

function hexNumbers(list: string): number[] {
  return list.split(',').map((hex) => parseInt(hex, 16));
}

const SINGLE_SHIFT_2 = 0x8e;
const SINGLE_SHIFT_3 = 0x8f;

/** Multi-byte encodings that a database may have: the EUC family, per "Character Set Support" in the manual. */
const LEADS_OF_SEVERAL = new Set(['EUC_CN', 'EUC_JIS_2004', 'EUC_JP', 'EUC_KR', 'EUC_TW', 'JOHAB']);

/** Length in bytes of the character that starts with `lead`, as the server computes it (pg_euc_mblen etc. in wchar.c). */
export function characterLength(encoding: string, lead: number): number {
  if (lead < 0x80 || !LEADS_OF_SEVERAL.has(encoding)) return 1;
  if (encoding === 'EUC_CN') return 2;
  if (lead === SINGLE_SHIFT_2) return encoding === 'EUC_TW' ? 4 : 2;
  return lead === SINGLE_SHIFT_3 ? 3 : 2;
}

/** Every non-ASCII code that the encoding may assign, in rows that share all but the last byte. */
function rowsOf(encoding: string): number[][] {
  if (!LEADS_OF_SEVERAL.has(encoding)) return [range(0x80, 0xff)];
  const bytes = range(0xa1, 0xfe);
  const row = (begin: number) => bytes.map((last) => begin * 0x100 + last);
  const behind = (lead: number) => bytes.map((high) => row(lead * 0x100 + high));
  switch (encoding) {
    case 'EUC_JP':
    case 'EUC_JIS_2004':
      return [row(SINGLE_SHIFT_2), ...bytes.map(row), ...behind(SINGLE_SHIFT_3)];
    case 'EUC_TW':
      return [...bytes.map(row), ...range(0xa1, 0xa7).flatMap((plane) => behind(SINGLE_SHIFT_2 * 0x100 + plane))];
    default:
      return bytes.map(row);
  }
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
