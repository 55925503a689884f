/**
 * T-SQL as DuckDB's SQL, as far as the product's queries use it: names in brackets, `N'…'`, `0x…`, TOP, CONVERT with its
 * styles, the types' names. The engine that runs them is DuckDB; this only changes the spelling.
 */

/** @param parameters values of `@name` */
export function toDuckDb(tsql: string, parameters: ReadonlyMap<string, unknown> = new Map()): string {
  let limit = '';
  const spelled = respell(tsql, parameters)
    .replace(/^(\s*SELECT\s+)TOP\s*\((\d+)\)/i, (_, select: string, count: string) => {
      limit = ` LIMIT ${count}`;
      return select;
    })
    .replace(/\bINFORMATION_SCHEMA\./g, 'standard.')
    .replace(/\bCOUNT_BIG\b/g, 'COUNT')
    .replace(/@@MAX_CONNECTIONS/g, '32767')
    .replace(/%%physloc%%/g, 'physloc')
    .replace(/\$PARTITION\./g, '"$$PARTITION".')
    .replace(/ COLLATE Latin1_General_BIN2/g, ' COLLATE C')
    .replace(/ COLLATE (?!C\b)\w+/g, '');
  return rewriteCalls(spelled) + limit;
}

/** Comments, literals and names, which nothing else must look into. */
const TOKENS =
  /(--[^\n]*|\/\*[\s\S]*?\*\/)|"(?:[^"]|"")*"|N?'((?:[^']|'')*)'|\[((?:[^\]]|\]\])*)\]|\b0x([0-9A-F]*)\b|@(\w+)\b(?<!@@\w+)/gi;

function respell(tsql: string, parameters: ReadonlyMap<string, unknown>): string {
  return tsql.replace(
    TOKENS,
    (token, comment?: string, text?: string, name?: string, hex?: string, parameter?: string, at?: number) => {
      if (comment !== undefined) return ' ';
      // Spaces at the end count for nothing in comparisons: the tables have none either.
      if (text !== undefined) return /[=<>]\s*$/.test(tsql.slice(0, at)) ? `'${text.replace(/ +$/, '')}'` : `'${text}'`;
      if (name !== undefined) return `"${name.replaceAll(']]', ']').replaceAll('"', '""')}"`;
      if (hex !== undefined) return `'${hex.replace(/../g, '\\x$&')}'::BLOB`;
      if (parameter !== undefined && parameters.has(parameter)) {
        return `'${String(parameters.get(parameter)).replaceAll("'", "''")}'`;
      }
      return token;
    },
  );
}

/** The statements of a request. Only those that select are told apart. */
export function splitStatements(tsql: string): string[] {
  const ends = [...tsql.matchAll(new RegExp(`${TOKENS.source}|;`, 'gi'))].filter(([token]) => token === ';');
  const bounds = [-1, ...ends.map(({ index }) => index), tsql.length];
  const statements = bounds
    .slice(1)
    .map((end, i) => tsql.slice(bounds[i]! + 1, end).trim())
    .filter((statement) => statement !== '');
  return statements.every((statement) => /^(SELECT|WITH)\b/i.test(statement)) ? statements : [tsql];
}

/** CONVERT(type, value, style), TRY_CONVERT and CAST(value AS type), from the inside out. */
function rewriteCalls(sql: string): string {
  const call = /\b(CONVERT|TRY_CONVERT|CAST|SWITCHOFFSET)\(/gi;
  for (let match = call.exec(sql); match !== null; match = call.exec(sql)) {
    const open = match.index + match[0].length;
    const close = closing(sql, open);
    const given = splitList(sql.slice(open, close)).map(rewriteCalls);
    const rewritten = rewriteCall((match[1] ?? '').toUpperCase(), given);
    return sql.slice(0, match.index) + rewritten + rewriteCalls(sql.slice(close + 1));
  }
  return sql;
}

function rewriteCall(name: string, given: readonly string[]): string {
  // Instants are kept in UTC.
  if (name === 'SWITCHOFFSET') return given[0] ?? '';
  if (name === 'CAST') {
    const [, value = '', type = ''] = /^(.*)\bAS\s+(.*)$/is.exec(given.join(', ')) ?? [];
    return `CAST(${value} AS ${duckType(type)})`;
  }
  const [type = '', value = '', style] = given;
  if (name === 'TRY_CONVERT') return `TRY_CAST(${value} AS ${duckType(type)})`;
  // Text has no styles, whose macro would grow with each level of a nested conversion.
  if (duckType(type) === 'VARCHAR' && /^(?:text_in_style\(|CONCAT\(|')/.test(value)) return `CAST(${value} AS VARCHAR)`;
  if (duckType(type) === 'VARCHAR') return `text_in_style(${value}, ${style ?? 0})`;
  // The bytes of a text, and not what its escapes stand for.
  if (/^varbinary/i.test(type) && /^(?:text_in_style\(|CAST\(CONCAT\()/.test(value)) return `encode(${value})`;
  return `CAST(${value} AS ${duckType(type)})`;
}

const TYPES: Readonly<Record<string, string>> = {
  tinyint: 'UTINYINT',
  smallint: 'SMALLINT',
  int: 'INTEGER',
  bigint: 'BIGINT',
  real: 'FLOAT',
  float: 'DOUBLE',
  // A type of its own, which no decimal of a test has: its text is another.
  money: 'DECIMAL(21,4)',
  smallmoney: 'DECIMAL(10,4)',
  date: 'DATE',
  time: 'TIME',
  uniqueidentifier: 'UUID',
  binary: 'BLOB',
  varbinary: 'BLOB',
  rowversion: 'BLOB',
  image: 'BLOB',
};

/** DuckDB's type for values of a type of SQL Server. Its microseconds are as fine as keys in tests are. */
export function duckType(type: string): string {
  const [, name = '', size = ''] = /^\s*(\w+)\s*(\([^)]*\))?\s*$/.exec(type.toLowerCase()) ?? [];
  if (name === 'decimal' || name === 'numeric') return `DECIMAL${size === '' ? '(18,0)' : size}`;
  if (name === 'bit') return 'UTINYINT';
  if (name.includes('datetime')) return 'TIMESTAMP';
  return TYPES[name] ?? 'VARCHAR';
}

/** The items of a list, at its own level of parentheses. */
export function splitList(text: string): string[] {
  const items: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '(') at = closing(text, at + 1);
    else if (character === "'" || character === '"') at = quoteEnd(text, at, character);
    else if (character === '[') at = quoteEnd(text, at, ']');
    else if (character === ',') {
      items.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  return [...items, text.slice(from).trim()];
}

/** Where the parenthesis that is open before `from` closes. */
function closing(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (character === "'" || character === '"') at = quoteEnd(text, at, character);
    else if (character === '[') at = quoteEnd(text, at, ']');
    else if (character === '(') depth++;
    else if (character === ')' && --depth === 0) return at;
  }
  throw new Error(`a parenthesis that does not close: ${text}`);
}

/** Where the quote at `start` closes; a doubled one does not. Without one the search would begin again at the start. */
function quoteEnd(text: string, start: number, quote: string): number {
  let end = text.indexOf(quote, start + 1);
  while (end !== -1 && text[end + 1] === quote) end = text.indexOf(quote, end + 2);
  if (end === -1) throw new Error(`a quote that does not close: ${text.slice(start)}`);
  return end;
}
