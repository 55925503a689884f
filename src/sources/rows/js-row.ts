/** A row of a driver that returns JavaScript values, in the order of the columns. */
export type JsRow = readonly unknown[];
