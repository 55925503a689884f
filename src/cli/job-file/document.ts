import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import { interpolate } from '../../auth/interpolation.js';
import { LakeportError } from '../../errors.js';

/** A job file as a tree with the place of each value. YAML 1.2, so that JSON is taken too. */
export class JobDocument {
  readonly root: YAMLMap;
  readonly #path: string;
  readonly #lines = new LineCounter();

  /** @throws LakeportError of class `usage` with line and column of what is not YAML */
  constructor(text: string, path: string) {
    this.#path = path;
    const document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: true,
      keepSourceTokens: false,
    });
    const [error] = [...document.errors, ...document.warnings];
    if (error !== undefined) throw this.problem(error.pos[0], error.message);
    const { contents } = document;
    if (contents === null) throw this.problem(0, 'the file is empty');
    if (!isMap(contents)) throw this.problem(contents.range[0], 'it must be a mapping of flags to their values');
    this.root = contents;
  }

  /** The entries of a mapping, in the order of the file. */
  entries(map: YAMLMap): { readonly key: string; readonly at: number; readonly value: Node | undefined }[] {
    return map.items.map((pair) => {
      const { key, value } = pair;
      const at = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
      if (!isScalar(key)) throw this.problem(at, 'a key must be a text');
      // The parser makes a node of each value, and null of none.
      const node = value as Node | null;
      return { key: textOf(key), at, value: node ?? undefined };
    });
  }

  /** A mapping. @throws LakeportError of class `usage` for anything else */
  map(value: Node | undefined, at: number, what: string): YAMLMap {
    if (isMap(value)) return value;
    throw this.problem(placeOf(value, at), `${what} must be a mapping`);
  }

  /** The texts of a scalar, or of a list of scalars, as they are written. @throws LakeportError of class `usage` */
  texts(value: Node | undefined, at: number): { readonly text: string; readonly at: number }[] {
    if (isSeq(value)) return value.items.map((item) => this.text(item as Node | undefined, placeOf(value, at)));
    return [this.text(value, at)];
  }

  /** @throws LakeportError of class `usage` for anything but a text, a number, true, false or null */
  text(value: Node | undefined, at: number): { readonly text: string; readonly at: number } {
    const place = placeOf(value, at);
    if (isAlias(value)) throw this.problem(place, 'anchors and aliases are not taken');
    if (!isScalar(value)) throw this.problem(place, 'a text, a number or a list of them is expected');
    const text = textOf(value);
    if (text === '' && value.value === null) throw this.problem(at, 'the value is missing');
    return { text, at: place };
  }

  /** With references to the environment and to files replaced. @throws LakeportError of class `usage` */
  interpolated(text: string, at: number, environment: NodeJS.ProcessEnv): string {
    const found = interpolate(text, environment);
    if ('value' in found) return found.value;
    throw this.problem(at, `the value ${found.problem}`);
  }

  /** @param at offset into the text */
  problem(at: number, text: string, hint?: string): LakeportError {
    const { line, col } = this.#lines.linePos(at);
    return new LakeportError({
      code: 'JOB_FILE_INVALID',
      message: `${this.#path}, line ${Math.max(1, line)}, column ${Math.max(1, col)}: ${text}`,
      hint: hint ?? 'docs/reference/job-file.md describes the file; editors check it by docs/schemas/job.json.',
      context: { path: this.#path },
    });
  }
}

/** Numbers, true and null as they are written: they are the texts of flags. */
function textOf(scalar: { readonly value: unknown; readonly source?: string | undefined }): string {
  if (typeof scalar.value === 'string') return scalar.value;
  return scalar.source ?? '';
}

function placeOf(value: Node | undefined, otherwise: number): number {
  return value?.range?.[0] ?? otherwise;
}
