import type { SchemaElement, SchemaTree } from 'hyparquet';
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from 'hyparquet/src/schema.js';

import { DigestSums, type TextEncodingName } from '../columns/value-digest.js';
import { type ColumnDigest, digestShape } from './column-digest.js';
import type { StoredValue } from './stored-value.js';

/** Values that pages refer to by position, and how often. */
export interface UsedDictionary {
  readonly values: ArrayLike<StoredValue>;
  readonly counts: Float64Array;
}

/** A decoded data page. */
interface DigestedPage {
  /** Empty if every value is there. */
  readonly definitionLevels: ArrayLike<number>;
  readonly repetitionLevels: ArrayLike<number>;
  /** Values, NULLs included. */
  readonly count: number;
  /** Or positions in the dictionary. */
  readonly values: ArrayLike<StoredValue>;
  readonly dictionary: ArrayLike<StoredValue> | undefined;
}

/** Digests the values of a column chunk, page by page. */
export class ChunkDigest {
  readonly #sums: DigestSums;
  readonly #isList: boolean;
  /** Most definition level: of a value. One less is a NULL in a list, two less an empty list. */
  readonly #value: number;
  #rows = 0;
  #nulls = 0;
  /** Elements of the list that is being read; undefined between lists. */
  #list: string[] | undefined;
  /** Hashes of the dictionary's values, by position, as far as they are known. */
  #known: (string | undefined)[] = [];

  constructor(element: SchemaElement, schemaPath: SchemaTree[], encoding: TextEncodingName) {
    this.#sums = new DigestSums(digestShape(element, encoding));
    this.#value = getMaxDefinitionLevel(schemaPath);
    this.#isList = getMaxRepetitionLevel(schemaPath) > 0;
  }

  addPage(page: DigestedPage): void {
    if (this.#isList) {
      this.#addLists(page);
      return;
    }
    const { values, count, dictionary } = page;
    this.#rows += count;
    this.#nulls += count - values.length;
    // Those of the dictionary are added once, at the end.
    if (dictionary !== undefined) return;
    this.#sums.addAll(values);
  }

  /**
   * @param dictionary of the chunk, with what its pages have used
   * @param bounds of all values
   */
  finish(dictionary: UsedDictionary | undefined, { min, max }: Pick<ColumnDigest, 'min' | 'max'>): ColumnDigest {
    this.#endList();
    const counts = { rows: this.#rows, nulls: this.#nulls };
    // Of a list, neither bounds nor sums are compared.
    if (this.#isList) return { ...counts, hash: this.#sums.hash, sum: undefined, min: undefined, max: undefined };
    this.#addUsed(dictionary);
    const { hash, sum } = this.#sums;
    return { ...counts, hash, sum, min, max };
  }

  #addUsed(dictionary: UsedDictionary | undefined): void {
    if (dictionary === undefined) return;
    for (let i = 0; i < dictionary.counts.length; i++) {
      const count = dictionary.counts[i] ?? 0;
      const value = dictionary.values[i];
      if (count === 0 || value === undefined) continue;
      this.#sums.add(value, count);
    }
  }

  #addLists({ definitionLevels, repetitionLevels, count, values, dictionary }: DigestedPage): void {
    let next = 0;
    for (let i = 0; i < count; i++) {
      const level = definitionLevels.length === 0 ? this.#value : (definitionLevels[i] ?? 0);
      if (repetitionLevels[i] === 0) {
        this.#endList();
        this.#rows++;
        if (level < this.#value - 2) this.#nulls++;
        else this.#list = [];
      }
      if (level === this.#value - 1) this.#list?.push('N');
      else if (level === this.#value) this.#list?.push(this.#elementHash(values[next++], dictionary));
    }
  }

  #elementHash(value: StoredValue | undefined, dictionary: ArrayLike<StoredValue> | undefined): string {
    if (dictionary === undefined) return this.#sums.elementHash(value ?? 0);
    const position = Number(value);
    return (this.#known[position] ??= this.#sums.elementHash(dictionary[position] ?? 0));
  }

  #endList(): void {
    if (this.#list !== undefined) this.#sums.addList(this.#list.join(','));
    this.#list = undefined;
  }
}
