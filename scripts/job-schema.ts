import { type Flag, spelling } from '../src/cli/flags/flag.js';
import {
  JOB_FLAGS,
  SCHEMA_KEY,
  TABLE_CONFIG_FIELDS,
  TABLE_FLAGS,
  tableForm,
  TABLES_KEY,
} from '../src/cli/job-file/settings.js';

type JsonSchema = Readonly<Record<string, unknown>>;

/** A value as it may stand in YAML; the program checks what the flag takes. */
const SCALAR: JsonSchema = { type: ['string', 'number', 'boolean', 'null'] };

/** The JSON Schema of job files, from the definitions of the flags. */
export function jobSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A job file',
    type: 'object',
    properties: {
      [SCHEMA_KEY]: { type: 'string' },
      ...propertiesOf(JOB_FLAGS, flagSchema, '#'),
      [TABLES_KEY]: {
        type: 'object',
        description: 'Settings of tables, under LIKE patterns as in include',
        additionalProperties: { $ref: '#/$defs/table' },
      },
    },
    additionalProperties: false,
    $defs: {
      table: {
        type: 'object',
        properties: {
          ...Object.fromEntries(TABLE_CONFIG_FIELDS.map((field) => [field, TABLE_CONFIG[field]])),
          ...propertiesOf(TABLE_FLAGS, tableSchema, '#/$defs/table'),
        },
        additionalProperties: false,
      },
    },
  };
}

/** Of `--table-config`. */
const TABLE_CONFIG: Readonly<Record<(typeof TABLE_CONFIG_FIELDS)[number], JsonSchema>> = {
  method: { type: 'string', description: 'How the table is split into slices; of a single table, not of a pattern' },
  key: { type: 'string', description: 'The column or expression that it is split by' },
  degree: { type: ['integer', 'string'], description: 'How many readers it gets; 0 for all cores, -N for cores/N' },
};

/** Under a flag's own name, and by reference under its others, in snake_case and in kebab-case. */
function propertiesOf(
  flags: readonly Flag[],
  schemaOf: (flag: Flag) => JsonSchema,
  at: string,
): Record<string, JsonSchema> {
  return Object.fromEntries(
    flags.flatMap((flag) => {
      const snake = [flag.name, ...(flag.aliases ?? [])];
      const others = new Set([...snake, ...snake.map((name) => name.replaceAll('_', '-'))]);
      others.delete(flag.name);
      return [
        [flag.name, schemaOf(flag)] as const,
        ...Array.from(others, (name) => [name, { $ref: `${at}/properties/${flag.name}` }] as const),
      ];
    }),
  );
}

function flagSchema(flag: Flag): JsonSchema {
  const description = described(flag);
  if (flag.value === undefined) return { type: 'boolean', description };
  const one = flag.words === undefined ? SCALAR : wordsSchema(flag.words);
  return { ...(flag.repeatable ? { anyOf: [one, { type: 'array', items: one }] } : one), description };
}

/** Words are taken in any case, so that they are proposed rather than demanded. */
function wordsSchema(words: readonly string[]): JsonSchema {
  return { anyOf: [{ enum: words }, { type: 'string' }] };
}

function tableSchema(flag: Flag): JsonSchema {
  const description = described(flag);
  if (tableForm(flag)?.kind === 'columns') return { type: 'object', additionalProperties: SCALAR, description };
  return { anyOf: [SCALAR, { type: 'array', items: SCALAR }], description };
}

function described(flag: Flag): string {
  return `${flag.help.charAt(0).toUpperCase()}${flag.help.slice(1)} (${spelling(flag)}${flag.value === undefined ? '' : ` ${flag.value}`})`;
}
