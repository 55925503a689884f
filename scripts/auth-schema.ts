import { z } from 'zod';

import type { EntryFields, EntryKind, FieldSpec } from '../src/auth/entry-kind.js';
import { ENGINES, LATER_ENGINES } from '../src/engines.js';
import { STORES } from '../src/stores.js';

type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * The JSON Schema of the auth file, from the fields of all engines and stores. It takes whatever the program takes of
 * the spellings that the documents show; rules between fields are left to the program.
 */
export async function authSchema(): Promise<JsonSchema> {
  const databases = ENGINES.map((kind) => ({ kind, typeFields: ['ds_type'] }));
  const storages = STORES.map((kind) => ({ kind, typeFields: ['storage_type', 'ds_type'] }));
  const kinds = [...storages, ...databases];
  const definitions = await Promise.all(
    kinds.map(async ({ kind }) => [kind.name, infoSchema(kind.name, await kind.fields())] as const),
  );
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'The auth file',
    type: 'object',
    properties: { $schema: { type: 'string' } },
    additionalProperties: { $ref: '#/$defs/entry' },
    $defs: {
      entry: {
        type: 'object',
        description: 'A database or a storage, under an id of your choice',
        properties: {
          ds_type: typeSchema([...ENGINES, ...STORES], LATER_ENGINES),
          storage_type: typeSchema(STORES),
          auth_mode: { type: 'string' },
          info: { type: 'object' },
        },
        required: ['info'],
        anyOf: [{ required: ['ds_type'] }, { required: ['storage_type'] }],
        allOf: kinds.map(ofKind),
      },
      ...Object.fromEntries(definitions),
    },
  };
}

/** An entry of the kind has its fields in `info`. */
function ofKind({
  kind,
  typeFields,
}: {
  readonly kind: EntryKind;
  readonly typeFields: readonly string[];
}): JsonSchema {
  const isKind = typeFields.map((field) => ({
    required: [field],
    properties: { [field]: { type: 'string', pattern: typePattern([kind]) } },
  }));
  const authMode = kind.authMode === undefined ? {} : { auth_mode: { pattern: `^${anyCase(kind.authMode)}$` } };
  return { if: { anyOf: isKind }, then: { properties: { ...authMode, info: { $ref: `#/$defs/${kind.name}` } } } };
}

function typeSchema(kinds: readonly EntryKind[], more: readonly string[] = []): JsonSchema {
  const words = [...kinds.flatMap(({ types }) => Object.keys(types)), ...more];
  return { type: 'string', anyOf: [{ enum: words }, { pattern: typePattern(kinds, more) }] };
}

/** The kinds' types in any case, as the program reads them. */
function typePattern(kinds: readonly EntryKind[], more: readonly string[] = []): string {
  const names = [...kinds.flatMap(({ types }) => Object.keys(types)), ...more].map(anyCase);
  const suffixes = kinds.flatMap(({ typeSuffix }) => (typeSuffix === undefined ? [] : [`.*${anyCase(typeSuffix)}`]));
  return `^\\s*(?:${[...names, ...suffixes].join('|')})\\s*$`;
}

function anyCase(word: string): string {
  return word.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}

/** Fields under their own names as properties, and under their synonyms and prefixes by patterns. */
function infoSchema(kind: string, { fields, standIns, prefixes }: EntryFields): JsonSchema {
  const own = Object.entries(fields).map(([name, spec]) => [name, fieldSchema(spec)] as const);
  const others = standIns.map((name) => [name, { type: 'string' }] as const);
  const prefix = prefixes.length === 0 ? '' : `(?:${prefixes.join('|')})?`;
  const patterns = Object.entries(fields).flatMap(([name, { synonyms = [] }]) => {
    const names = prefix === '' ? synonyms : [name, ...synonyms];
    if (names.length === 0) return [];
    return [[`^${prefix}(?:${names.join('|')})$`, { $ref: `#/$defs/${kind}/properties/${name}` }] as const];
  });
  return {
    type: 'object',
    properties: Object.fromEntries([...own, ...others]),
    ...(patterns.length > 0 && { patternProperties: Object.fromEntries(patterns) }),
  };
}

function fieldSchema({ schema, secret = false }: FieldSpec): JsonSchema {
  const look = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    // In the program's units, not in the file's.
    override: ({ jsonSchema }) => delete jsonSchema.default,
  });
  delete look.$schema;
  return { ...look, ...(secret !== false && { writeOnly: true }) };
}
