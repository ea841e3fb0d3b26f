// The drawing of who knows what: a row for each fact, a lane in it for each role that is shown.
import type { Knowing, Role } from "../api";
import { visible } from "../shared/text";
import type { Knowledge, OwnedFact } from "../talk/knowledge";
import { fitted, type Plot } from "./plot";

const HEAD = 18;
const LANE = 9;
const BETWEEN = 3;

export interface FactRow {
  fact: OwnedFact;
  y: number;
}

export interface Layout {
  /** Whose lanes are shown, from above. */
  roles: readonly Role[];
  heads: { words: string; y: number }[];
  rows: FactRow[];
  rowHeight: number;
  height: number;
}

/** Puts groups of facts under each other, each under its words. */
export function layoutOf(
  roles: readonly Role[],
  groups: readonly { words: string; facts: readonly OwnedFact[] }[],
): Layout {
  const rowHeight = roles.length * (LANE + BETWEEN) + 2 + (roles.length === 1 ? 3 : 0);
  const layout: Layout = { roles, heads: [], rows: [], rowHeight, height: 2 };
  for (const { words, facts } of groups) {
    if (facts.length === 0) continue;
    layout.heads.push({ words, y: layout.height });
    layout.height += HEAD;
    for (const fact of facts) {
      layout.rows.push({ fact, y: layout.height });
      layout.height += rowHeight;
    }
    layout.height += 4;
  }
  return layout;
}

export function rowAt({ rows, rowHeight }: Layout, y: number): number {
  const below = rows.findIndex((row) => y < row.y + rowHeight);
  return below < 0 ? rows.length - 1 : below;
}

export function Lanes(props: { knowledge: Knowledge; layout: Layout; plot: Plot }) {
  const { knowledge, layout, plot } = props;
  return (
    <g>
      <defs>
        {layout.roles.map((role) => (
          <pattern
            key={role}
            id={`seen-${role}`}
            width="4"
            height="4"
            patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)"
          >
            <rect class={`lane-${role}`} width="1.6" height="4" />
          </pattern>
        ))}
      </defs>
      {layout.heads.map((head) => (
        <text key={head.words} class="group" x="0" y={head.y + 13}>
          {visible(head.words)}
        </text>
      ))}
      {layout.rows.map(({ fact, y }) => (
        <g key={fact.id}>
          <text x="0" y={y + layout.rowHeight / 2 + 3}>
            {fitted(visible(fact.id))}
          </text>
          {layout.roles.map((role, index) => (
            <Lane
              key={role}
              role={role}
              fact={fact.id}
              y={y + (layout.roles.length === 1 ? 4 : 2) + index * (LANE + BETWEEN)}
              knowledge={knowledge}
              plot={plot}
            />
          ))}
        </g>
      ))}
    </g>
  );
}

const TEXT_MARKS: Partial<Record<Knowing["how"], string>> = { asked: "?", undeclared: "!", unsaid: "×" };

function Lane(props: { role: Role; fact: string; y: number; knowledge: Knowledge; plot: Plot }) {
  const { role, fact, y, knowledge, plot } = props;
  const since = knowledge.since(role, fact);
  const middle = y + LANE / 2;
  return (
    <g class={`lane lane-${role}`}>
      <rect class="track" x={plot.left} y={y} width={plot.right - plot.left} height={LANE} />
      {since !== null && (
        <rect
          class={`known ${since.how}`}
          fill={since.how === "sees" ? `url(#seen-${role})` : undefined}
          x={plot.start(since.turn)}
          y={y}
          width={Math.max(1, plot.right - plot.start(since.turn))}
          height={LANE}
        />
      )}
      {knowledge
        .of(fact)
        .filter((knowing) => knowing.role === role)
        .map((knowing) => (
          <Mark key={`${knowing.turn} ${knowing.how}`} how={knowing.how} x={plot.x(knowing.turn)} y={middle} />
        ))}
    </g>
  );
}

function Mark(props: { how: Knowing["how"]; x: number; y: number }) {
  const { how, x, y } = props;
  if (how === "told") return <circle class="mark" cx={x} cy={y} r="3.2" />;
  if (how === "noticed") return <circle class="mark hollow" cx={x} cy={y} r="2.8" />;
  if (how === "inferred") return <path class="mark hollow" d={`M${x - 3.4} ${y + 3}H${x + 3.4}L${x} ${y - 3.2}Z`} />;
  const letter = TEXT_MARKS[how];
  if (letter === undefined) return null;
  return (
    <text class="mark" x={x} y={y + 3.8} text-anchor="middle">
      {letter}
    </text>
  );
}
