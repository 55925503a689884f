import type { ValueKind } from '../../columns/value-kind.js';

/** A type of the Common Data Model. */
interface CdmType {
  /** Of `primitives.cdm.json`, or `meanings.measurement.cdm.json`. */
  readonly dataType: string;
  /** One of `CdmDataFormat`, as documents spell it: readers that resolve no types take it from here. */
  readonly dataFormat: string;
}

const INT16: CdmType = { dataType: 'smallInteger', dataFormat: 'Int16' };
const INT32: CdmType = { dataType: 'integer', dataFormat: 'Int32' };
const INT64: CdmType = { dataType: 'bigInteger', dataFormat: 'Int64' };
const DECIMAL: CdmType = { dataType: 'decimal', dataFormat: 'Decimal' };
const STRING: CdmType = { dataType: 'string', dataFormat: 'String' };
const TIME: CdmType = { dataType: 'time', dataFormat: 'Time' };
const DATE_TIME: CdmType = { dataType: 'dateTime', dataFormat: 'DateTime' };
const DATE_TIME_OFFSET: CdmType = { dataType: 'dateTimeOffset', dataFormat: 'DateTimeOffset' };

/** Of the smallest type that holds every value: the Common Data Model has no unsigned integers that readers take. */
export const CDM_TYPES: Readonly<Record<ValueKind, CdmType>> = {
  boolean: { dataType: 'boolean', dataFormat: 'Boolean' },
  int8: INT16,
  int16: INT16,
  int32: INT32,
  int64: INT64,
  uint8: INT16,
  uint16: INT32,
  uint32: INT64,
  uint64: DECIMAL,
  float: { dataType: 'float', dataFormat: 'Float' },
  double: { dataType: 'double', dataFormat: 'Double' },
  decimal: DECIMAL,
  string: STRING,
  // Microsoft's connector for Spark refuses entities with its own `Json`.
  json: STRING,
  bytes: { dataType: 'binary', dataFormat: 'Binary' },
  date: { dataType: 'date', dataFormat: 'Date' },
  time: TIME,
  time_ns: TIME,
  timestamp: DATE_TIME,
  timestamp_ns: DATE_TIME,
  instant: DATE_TIME_OFFSET,
  instant_ns: DATE_TIME_OFFSET,
  uuid: { dataType: 'guid', dataFormat: 'Guid' },
};
