/**
 * Documents of the Common Data Model, with the fields that are written, as the classes of Microsoft's object model that
 * read them have them (`persistence/cdmfolder/types`) and `schema.cdm.json`. Constants are text.
 */

export interface TraitReference {
  readonly traitReference: string;
  readonly arguments?: readonly Argument[];
}

interface Argument {
  readonly name: string;
  readonly value: string;
}

export interface Import {
  readonly corpusPath: string;
}

export interface ManifestDocument {
  readonly jsonSchemaSemanticVersion: string;
  readonly imports: readonly Import[];
  readonly manifestName: string;
  readonly explanation: string;
  readonly entities: readonly LocalEntity[];
  readonly relationships: readonly Relationship[];
  readonly subManifests?: readonly SubManifest[];
}

export interface LocalEntity {
  readonly type: 'LocalEntity';
  readonly entityName: string;
  readonly explanation?: string;
  readonly lastFileModifiedTime?: string;
  /** Of the definition: a document, relative to the manifest, and the entity's name in it. */
  readonly entityPath: string;
  readonly dataPartitions: readonly DataPartition[];
}

export interface DataPartition {
  readonly name: string;
  /** Relative to the manifest. */
  readonly location: string;
  readonly lastFileModifiedTime?: string;
  readonly exhibitsTraits: readonly TraitReference[];
  /** What the names of its directories say. */
  readonly arguments?: readonly Argument[];
}

/** Between two attributes: a key of several columns has several. */
export interface Relationship {
  readonly name?: string;
  readonly fromEntity: string;
  readonly fromEntityAttribute: string;
  readonly toEntity: string;
  readonly toEntityAttribute: string;
}

interface SubManifest {
  readonly manifestName: string;
  /** Its path, relative to the manifest. */
  readonly definition: string;
}

export interface EntityDocument {
  readonly jsonSchemaSemanticVersion: string;
  readonly imports: readonly Import[];
  readonly definitions: readonly [EntityDefinition];
}

interface EntityDefinition {
  readonly entityName: string;
  readonly displayName: string;
  /** The table's name in the source. */
  readonly explanation: string;
  readonly description?: string;
  readonly hasAttributes: readonly TypeAttribute[];
}

export interface TypeAttribute {
  readonly name: string;
  readonly dataType: string;
  readonly dataFormat: string;
  readonly isNullable: boolean;
  readonly isPrimaryKey?: true;
  /** In characters, or bytes of a binary type. */
  readonly maximumLength?: number;
  readonly description?: string;
  readonly appliedTraits?: readonly (TraitReference | string)[];
}

/** Of `schema.cdm.json` whose fields documents use. */
export const SEMANTIC_VERSION = '1.0.0';

/** What defines the types and traits. Every reader knows the namespace `cdm`. */
export const IMPORTS: readonly Import[] = [{ corpusPath: 'cdm:/foundations.cdm.json' }];

/** Indented JSON, fields always in the same order. */
export function documentBytes(document: ManifestDocument | EntityDocument): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(document, undefined, 2)}\n`);
}
