import { useLayoutEffect, useRef, useState } from "react";
import { useI18n } from "../../i18n";

interface Props {
  title: string;
  /** What the rows are: hours or days. */
  first: string;
  series: string[];
  /** `note`: a column of the table that has no bar. */
  note?: string;
  rows: { label: string; values: number[]; note?: string }[];
  format: (value: number) => string;
  /** The height of the scale for the highest value. */
  scale: (highest: number) => number;
}

const height = 168;
const left = 48;
const labelWidth = 52;

/** Text keeps its size when the chart gets narrow: what is drawn follows the width there is. */
function useWidth() {
  const ref = useRef<SVGSVGElement>(null);
  const [width, setWidth] = useState(560);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.max(220, Math.round(entry!.contentRect.width))));
    watch.observe(ref.current!);
    return () => watch.disconnect();
  }, []);
  return { ref, width };
}

/** A bar chart with the same figures as a table below it, for everybody who does not read charts. */
export function Bars({ title, first, series, note, rows, format, scale }: Props) {
  const { t } = useI18n();
  const { ref, width } = useWidth();
  const top = scale(Math.max(...rows.flatMap((row) => row.values), 0));
  const slot = (width - left) / rows.length;
  const bar = Math.min(26, (slot * 0.74) / series.length);
  const y = (value: number) => height - (value / top) * (height - 10);
  const every = Math.ceil((rows.length * labelWidth) / (width - left));
  const x = (i: number) => left + i * slot + slot / 2;
  return (
    <figure className="chart">
      {series.length > 1 && <figcaption>{series.map((name, s) => <span key={name}><i className={`key key-${s}`} /> {name}</span>)}</figcaption>}
      <svg ref={ref} height={height + 26} viewBox={`0 0 ${width} ${height + 26}`} role="img" aria-label={title}>
        {[0, top / 2, top].map((value) => (
          <g key={value}><line x1={left} x2={width} y1={y(value)} y2={y(value)} className="grid" /><text x={left - 8} y={y(value) + 4} textAnchor="end">{value === 0 ? 0 : format(value)}</text></g>
        ))}
        {rows.map((row, i) => (
          <g key={i} className="slot">
            <rect x={left + i * slot} y={0} width={slot} height={height} className="slot-back"><title>{[row.label, ...series.map((name, s) => `${name}: ${format(row.values[s]!)}`), note && row.note && `${note}: ${row.note}`].filter(Boolean).join("\n")}</title></rect>
            {row.values.map((value, s) => value > 0 && (
              <rect key={s} className={`bar bar-${s}`} x={x(i) - (bar * series.length) / 2 + s * bar} y={Math.min(y(value), height - 2)} width={Math.max(1.5, bar - 1.5)} height={Math.max(2, height - y(value))} rx={2} />
            ))}
            {(rows.length - 1 - i) % every === 0 && <text x={x(i)} y={height + 19} textAnchor={x(i) + labelWidth / 2 > width ? "end" : "middle"} dx={x(i) + labelWidth / 2 > width ? slot / 2 : 0}>{row.label}</text>}
          </g>
        ))}
      </svg>
      <details><summary>{t("dash.table")}</summary>
        <div className="table-wrap" tabIndex={0} role="region" aria-label={title}>
          <table><thead><tr><th scope="col">{first}</th>{series.map((name) => <th key={name} scope="col">{name}</th>)}{note && <th scope="col">{note}</th>}</tr></thead>
            <tbody>{rows.map((row, i) => <tr key={i}><th scope="row">{row.label}</th>{row.values.map((value, s) => <td key={s}>{format(value)}</td>)}{note && <td>{row.note}</td>}</tr>)}</tbody></table>
        </div>
      </details>
    </figure>
  );
}
