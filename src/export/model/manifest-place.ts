/**
 * Where a table's manifest is: beside its directory, so the directory holds only Parquet and the empty `_SUCCESS` and
 * every reader can take it as a whole; inside it; or nowhere.
 */
export type ManifestPlace = 'beside' | 'inside' | 'none';

export const MANIFEST_PLACES: readonly ManifestPlace[] = ['beside', 'inside', 'none'];

/** For recorded runs that predate the option: there was no other place then. */
export const FORMER_MANIFEST_PLACE: ManifestPlace = 'inside';
