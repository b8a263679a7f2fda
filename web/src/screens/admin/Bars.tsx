import { useI18n } from "../../i18n";
import { count } from "../../lib/format";

interface Props { title: string; first: string; series: string[]; rows: { label: string; values: number[] }[] }

const height = 150;
const width = 640;
const left = 34;

/** The next "round" number: 1, 2 or 5 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

/** A bar chart with the same figures as a table below it, for everybody who does not read charts. */
export function Bars({ title, first, series, rows }: Props) {
  const { t, language } = useI18n();
  const top = Math.max(2, roundUp(Math.max(...rows.flatMap((row) => row.values), 1)));
  const slot = (width - left) / rows.length;
  const bar = Math.min(34, (slot * 0.72) / series.length);
  const y = (value: number) => height - (value / top) * (height - 8);
  const every = Math.ceil(rows.length / 8);
  return (
    <figure className="chart">
      <svg viewBox={`0 0 ${width} ${height + 24}`} role="img" aria-label={title}>
        {[0, top / 2, top].map((value) => (
          <g key={value}><line x1={left} x2={width} y1={y(value)} y2={y(value)} className="grid" /><text x={left - 6} y={y(value) + 4} textAnchor="end">{count(value, language)}</text></g>
        ))}
        {rows.map((row, i) => (
          <g key={row.label}>
            {row.values.map((value, s) => value > 0 && (
              <rect key={s} className={`bar bar-${s}`} x={left + i * slot + (slot - bar * series.length) / 2 + s * bar} y={y(value)} width={Math.max(1, bar - 1)} height={height - y(value)} rx={2}><title>{`${row.label} · ${series[s]}: ${value}`}</title></rect>
            ))}
            {i % every === 0 && <text x={left + i * slot + slot / 2} y={height + 17} textAnchor="middle">{row.label}</text>}
          </g>
        ))}
      </svg>
      {series.length > 1 && <figcaption>{series.map((name, s) => <span key={name}><i className={`key key-${s}`} /> {name}</span>)}</figcaption>}
      <details><summary>{t("dash.table")}</summary>
        <table><thead><tr><th scope="col">{first}</th>{series.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
          <tbody>{rows.map((row) => <tr key={row.label}><th scope="row">{row.label}</th>{row.values.map((value, s) => <td key={s}>{count(value, language)}</td>)}</tr>)}</tbody></table>
      </details>
    </figure>
  );
}
