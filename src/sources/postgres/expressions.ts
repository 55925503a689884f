import { quoteName } from './identifiers.js';

/** What a reader's SELECT list asks for: the column itself, or a text or a JSON document that the server makes of it. */

/**
 * How the values of a column are asked for: as they are; as the text of their type's output function; arrays as arrays
 * of such texts, or as JSON.
 */
export type ReadForm =
  | { readonly as: 'value' | 'text' }
  | { readonly as: 'texts'; readonly delimiter: string }
  | { readonly as: 'json'; readonly elements: JsonElements };

/** What the elements of an array become in JSON: what their built-in type has there, the same by way of another type, or text. */
export type JsonElements = 'own' | 'text' | { readonly as: 'numeric' | 'int8' };

export function readExpression(column: string, form: ReadForm): string {
  const name = quoteName(column);
  switch (form.as) {
    case 'value':
      return name;
    case 'text':
      return whereGiven(name, output(name));
    case 'texts':
      return whereGiven(name, form.delimiter === ',' ? outputs(name) : outputsOneByOne(name));
    case 'json':
      return whereGiven(name, json(name, form.elements));
    default:
      return form satisfies never;
  }
}

/** `IS NOT NULL` is false for a row with a NULL field, and `format` makes an empty text of NULL. */
function whereGiven(value: string, expression: string): string {
  return `CASE WHEN ${value} IS DISTINCT FROM NULL THEN ${expression} END`;
}

/**
 * `format` calls the output function of the value's type. A cast to text would run what a user has put in its place,
 * and has forms of its own for some of the server's types (inet, xml).
 */
function output(value: string): string {
  return `pg_catalog.format('%s', ${value})`;
}

/** An array's own text is made of its elements' and reads as an array of text, whatever its dimensions and bounds. */
function outputs(array: string): string {
  return `CAST(${output(array)} AS pg_catalog.text[])`;
}

/** For types whose arrays have another delimiter than text's. Which shape an array has that is no list is of no interest. */
function outputsOneByOne(array: string): string {
  const element = whereGiven('e', output('e'));
  const elements = `(SELECT pg_catalog.array_agg(${element} ORDER BY n) FROM pg_catalog.unnest(${array}) WITH ORDINALITY AS u (e, n))`;
  const bounds = `pg_catalog.array_lower(${array}, 1), pg_catalog.array_upper(${array}, 1)`;
  return [
    `CAST(CASE WHEN pg_catalog.array_upper(${array}, 1) IS NULL THEN '{}'`,
    `WHEN pg_catalog.array_upper(${array}, 2) IS NULL THEN pg_catalog.format('[%s:%s]=%s', ${bounds}, ${elements})`,
    `ELSE '{{NULL}}' END AS pg_catalog.text[])`,
  ].join(' ');
}

/** Arrays that do not begin at 1 in every dimension, which JSON can't tell, have a blank in front. */
function json(array: string, elements: JsonElements): string {
  const values =
    elements === 'own' ? array : elements === 'text' ? outputs(array) : `CAST(${array} AS pg_catalog.${elements.as}[])`;
  const begins = `pg_catalog.textregexne(pg_catalog.array_dims(${array}), '^([[]1:[0-9]+[]])+$')`;
  const text = `CAST(pg_catalog.array_to_json(${values}) AS pg_catalog.text)`;
  return `pg_catalog.textcat(CASE WHEN ${begins} THEN ' ' ELSE '' END, ${text})`;
}
