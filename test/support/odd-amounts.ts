/** Amounts in the forms that come up in real data, as JSON text, with what a decimal(18,4) column must hold. */
export interface OddAmount {
  readonly json: string;
  /** Exact decimal with four places; null if the amount cannot be read. */
  readonly decimal: string | null;
  /** Whether the decimal is not the very amount. */
  readonly rounded?: boolean;
}

const text = (value: string, decimal: string | null): OddAmount => ({ json: JSON.stringify(value), decimal });
const json = (value: string, decimal: string | null): OddAmount => ({ json: value, decimal });
const rounded = (value: string, decimal: string): OddAmount => ({ json: value, decimal, rounded: true });

export const ODD_AMOUNTS: readonly OddAmount[] = [
  json('0', '0.0000'),
  json('-0.0', '0.0000'),
  json('1e3', '1000.0000'),
  json('1.5E-3', '0.0015'),
  rounded('1.00005', '1.0001'),
  rounded('-1.00005', '-1.0001'),
  rounded('0.00004999999999999999', '0.0000'),
  json('99999999999999.9999', '99999999999999.9999'),
  json('99999999999999.99995', null),
  json('100000000000000', null),
  json('1e400', null),
  json('{"$numberDecimal":"1234.50"}', '1234.5000'),
  json('{"$numberDouble":"-1.5"}', '-1.5000'),
  json('{"$numberInt":"7"}', '7.0000'),
  json('{"$numberLong":"123456789012"}', '123456789012.0000'),
  json('{"$numberDouble":"Infinity"}', null),
  json('{"$numberDecimal":"1","unit":"EUR"}', null),
  json('true', null),
  json('[12.5]', null),
  text('1234.5', '1234.5000'),
  text('1.234', '1.2340'),
  text('5.', '5.0000'),
  text('.5', '0.5000'),
  text('  12.5  ', '12.5000'),
  text('1e3', '1000.0000'),
  text('1,234.50', '1234.5000'),
  text('1,234', '1234.0000'),
  text('1,234,567.891', '1234567.8910'),
  text('1.234,50', '1234.5000'),
  text('1.234.567', '1234567.0000'),
  text('12,5', '12.5000'),
  text("1'234.50", '1234.5000'),
  text('1\u2019234.50', '1234.5000'),
  text('1 234,50', '1234.5000'),
  text('1\u00a0234,50', '1234.5000'),
  text('1\u202f234.50', '1234.5000'),
  text('$1,234.50', '1234.5000'),
  text('-$5.00', '-5.0000'),
  text('$-5.00', '-5.0000'),
  text('\u22125.00', '-5.0000'),
  text('+5', '5.0000'),
  text('($1,234.50)', '-1234.5000'),
  text('(12)', '-12.0000'),
  text('1.234,50 €', '1234.5000'),
  text('12,50€', '12.5000'),
  text('USD 12.50', '12.5000'),
  text('12.50EUR', '12.5000'),
  text('₹ 100', '100.0000'),
  text('¥1,000', '1000.0000'),
  text('', null),
  text('$', null),
  text('N/A', null),
  text('twelve', null),
  text('1,2,3.4.5', null),
  text('1,00,000.00', null),
  text("1'234 567", null),
  text('--5', null),
  text('$5 USD', null),
  text('usd 5', null),
  text('12.5.', null),
];
