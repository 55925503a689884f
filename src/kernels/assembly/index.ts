export { scanCopy } from './scan-copy';
export { gatherTds, scanTds } from './scan-tds';
export { countNulls, dense, definitions } from './levels';
export { booleans, int16Plain, int32Plain, int64Plain, oidPlain, fixed16Plain, beginWith } from './integers';
export { decimal32Plain, decimal64Plain, decimalBytes } from './numeric';
export {
  tdsDate,
  tdsDatetime,
  tdsDecimal32,
  tdsDecimal64,
  tdsDecimalBytes,
  tdsGuid,
  tdsInt16,
  tdsInt32,
  tdsInt64,
  tdsMoment,
  tdsMoney,
  tdsSmalldatetime,
  tdsSmallmoney,
  tdsTime,
  tdsTinyint,
} from './tds';
export { fromCodePage, fromUtf16, fromUtf8 } from './text';
export { bytesLength, bytesPlain, intern32, intern64, internBytes, internFixed } from './values';
export {
  entries32,
  entries64,
  entriesBytes,
  entriesFixed,
  entriesLength,
  gatherUsed32,
  gatherUsed64,
  hybrid32,
  hybrid8,
  markUsed,
} from './pages';
export {
  delta32,
  delta64,
  plainLengths,
  plainPrefixes,
  streamSplit,
  suffixBytes,
} from './encodings';
export { bloomBytes, bloomDoubles, bloomFixed, bloomFloats, bloomFold, bloomFoldedRate, xxHash64 } from './bloom';
export { range32, range64, rangeFloat, rangeDouble, rangeBytes, rangeFixed } from './bounds';
