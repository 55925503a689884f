import type { Client } from 'pg';
import { readText, selectText } from '../catalog/catalog-text.js';
import type { ServerFacts } from '../connection/server-facts.js';

/** The columns of pg_type that the type table needs. */
export interface PostgresType {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `pg_type.typtype`: base, composite, domain, enum, multirange, pseudo, range. */
  readonly kind: 'b' | 'c' | 'd' | 'e' | 'm' | 'p' | 'r';
  /** For a true array: the oid of its element type. Not for types like int2vector, which only look like arrays. */
  readonly element: number | undefined;
  /** Separates the elements in the text of an array of this type. */
  readonly delimiter: string;
  /** For a domain: the oid of its base type. */
  readonly base: number | undefined;
  /** For a domain: the modifier that it applies to its base type; -1 for none. */
  readonly baseModifier: number;
  /** Name of the extension that owns the type. */
  readonly extension: string | undefined;
}

/** A type below all of its domains, with the effective modifier. */
export interface ResolvedType {
  readonly type: PostgresType;
  /** `pg_attribute.atttypmod`; -1 for none. */
  readonly modifier: number;
}

/** Types by oid, including all that the given types refer to: array elements and domains' base types. */
export class TypeCatalog {
  readonly #types: ReadonlyMap<number, PostgresType>;

  constructor(types: readonly PostgresType[]) {
    this.#types = new Map(types.map((type) => [type.oid, type]));
  }

  /** These types and those of `known`; without a query if none is new. */
  static async read(
    client: Client,
    server: ServerFacts,
    oids: Iterable<number>,
    known = new TypeCatalog([]),
  ): Promise<TypeCatalog> {
    const unknown = new Set(oids);
    for (const oid of known.#types.keys()) unknown.delete(oid);
    if (unknown.size === 0) return known;
    const { rows } = await client.query<NullableFields<PostgresType>>(
      `WITH RECURSIVE needed (oid) AS (
         SELECT DISTINCT unnest FROM pg_catalog.unnest($1::pg_catalog.oid[])
         UNION
         SELECT part.oid
         FROM needed
         JOIN pg_catalog.pg_type AS t ON t.oid = needed.oid
         CROSS JOIN LATERAL (VALUES (t.typelem), (t.typbasetype)) AS part (oid)
         WHERE part.oid <> 0
       )
       SELECT t.oid, ${selectText('n.nspname', server)} AS schema, ${selectText('t.typname', server)} AS name,
              t.typtype::pg_catalog.text AS kind, t.typdelim::pg_catalog.text AS delimiter,
              element.oid AS element, NULLIF(t.typbasetype, 0::pg_catalog.oid) AS base, t.typtypmod AS "baseModifier",
              ${selectText('e.extname', server)} AS extension
       FROM needed
       JOIN pg_catalog.pg_type AS t ON t.oid = needed.oid
       JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
       LEFT JOIN pg_catalog.pg_type AS element ON element.oid = t.typelem AND element.typarray = t.oid
       LEFT JOIN pg_catalog.pg_depend AS d
         ON d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid AND d.deptype = 'e'
       LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid`,
      [[...unknown]],
    );
    return new TypeCatalog([
      ...known.#types.values(),
      ...rows.map(({ element, base, extension, schema, name, ...type }) => ({
        ...type,
        schema: readText(schema, server),
        name: readText(name, server),
        element: element ?? undefined,
        base: base ?? undefined,
        extension: extension === null ? undefined : readText(extension, server),
      })),
    ]);
  }

  /** The type below all domains; undefined for an unknown oid. */
  resolve(oid: number, modifier: number): ResolvedType | undefined {
    const type = this.#types.get(oid);
    if (type?.base === undefined) return type && { type, modifier };
    return this.resolve(type.base, type.baseModifier);
  }

  /** The resolved element type of an array; undefined for other types. */
  element({ type, modifier }: ResolvedType): ResolvedType | undefined {
    return type.element === undefined ? undefined : this.resolve(type.element, modifier);
  }
}

/** The driver returns NULL as null. */
type NullableFields<T> = {
  readonly [K in keyof T]: Exclude<T[K], undefined> | (undefined extends T[K] ? null : never);
};
