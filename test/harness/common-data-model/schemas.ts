/**
 * JSON Schemas of the Common Data Model's documents, of the parts that lakeport writes. Entities follow `schema.cdm.json`
 * 1.5.0 of Microsoft's object model, which forbids further properties, as these do, and knows constants as text only.
 * There is none for manifests: theirs follows the classes that read them (`persistence/cdmfolder/types`) and the reference
 * of `CdmManifestDefinition` and its parts.
 */

const text = { type: 'string', minLength: 1 };

function object(required: Readonly<Record<string, unknown>>, optional: Readonly<Record<string, unknown>> = {}): object {
  return {
    type: 'object',
    properties: { ...required, ...optional },
    required: Object.keys(required),
    additionalProperties: false,
  };
}

function listOf(items: unknown): object {
  return { type: 'array', items };
}

const argument = object({ name: text, value: { type: 'string' } });
const trait = { anyOf: [text, object({ traitReference: text }, { arguments: listOf(argument) })] };
const imported = object({ corpusPath: text }, { moniker: text });
const version = { type: 'string', pattern: String.raw`^\d+\.\d+\.\d+$` };
const time = { type: 'string', pattern: String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$` };
/** What `StorageManager` refuses, `./`, `../` and `/./`, and what it takes for a namespace. */
const path = { type: 'string', minLength: 1, not: { pattern: String.raw`^\.?/|\.\./|/\./|:|\\` } };

const DATA_FORMATS = [
  ...['Boolean', 'Byte', 'Int16', 'Int32', 'Int64', 'Float', 'Double', 'Decimal', 'Char', 'String', 'Json'],
  ...['Binary', 'Guid', 'Date', 'Time', 'DateTime', 'DateTimeOffset'],
];

const DATA_TYPES = [
  ...['boolean', 'byte', 'smallInteger', 'integer', 'bigInteger', 'float', 'double', 'decimal', 'char', 'string'],
  ...['binary', 'guid', 'date', 'time', 'dateTime', 'dateTimeOffset'],
];

const attribute = object(
  { name: text },
  {
    ...{ explanation: text, dataType: { enum: DATA_TYPES }, dataFormat: { enum: DATA_FORMATS } },
    ...{ isNullable: { type: 'boolean' }, isPrimaryKey: { type: 'boolean' }, isReadOnly: { type: 'boolean' } },
    ...{ maximumLength: { type: 'integer', minimum: 1 }, description: text, displayName: text, sourceName: text },
    ...{ sourceOrdering: { type: 'number' }, appliedTraits: listOf(trait) },
  },
);

const entity = object(
  { entityName: text },
  {
    ...{ explanation: text, displayName: text, description: text, sourceName: text, version: text },
    ...{ exhibitsTraits: listOf(trait), hasAttributes: listOf(attribute) },
  },
);

const head = { $schema: text, jsonSchemaSemanticVersion: version, documentVersion: text };

const DIALECT = { $schema: 'https://json-schema.org/draft/2020-12/schema' };

export const ENTITY_SCHEMA: object = {
  ...DIALECT,
  ...object(
    { jsonSchemaSemanticVersion: version, imports: listOf(imported), definitions: listOf(entity) },
    { ...head },
  ),
};

const partition = object(
  { location: path, exhibitsTraits: { ...listOf(trait), minItems: 1 } },
  {
    ...{ name: text, specializedSchema: text, arguments: listOf(argument) },
    ...{ lastFileStatusCheckTime: time, lastFileModifiedTime: time },
  },
);

const localEntity = object(
  { type: { const: 'LocalEntity' }, entityName: text, entityPath: path, dataPartitions: listOf(partition) },
  {
    ...{ explanation: text, exhibitsTraits: listOf(trait) },
    ...{ lastFileStatusCheckTime: time, lastFileModifiedTime: time, lastChildFileModifiedTime: time },
  },
);

const relationship = object(
  { fromEntity: path, fromEntityAttribute: text, toEntity: path, toEntityAttribute: text },
  { name: text, exhibitsTraits: listOf(trait) },
);

export const MANIFEST_SCHEMA: object = {
  ...DIALECT,
  ...object(
    {
      ...{ jsonSchemaSemanticVersion: version, manifestName: text, explanation: text },
      ...{ imports: listOf(imported), entities: listOf(localEntity), relationships: listOf(relationship) },
    },
    {
      ...head,
      subManifests: listOf(object({ manifestName: text, definition: path }, { explanation: text })),
    },
  ),
};
