import { useMemo, useState } from 'preact/hooks';
import { useMe } from '../account/use-me.ts';
import { useDeviceNames } from '../devices/device.ts';
import { Asking } from '../frame/asking.tsx';
import { DeedButton, Trouble, useDeed } from '../frame/form.tsx';
import { Page } from '../frame/page.tsx';
import { ask } from '../http/ask.ts';
import { useAsked } from '../http/use-asked.ts';
import { showDay } from '../words/time.ts';
import { useNow } from '../words/use-now.ts';
import {
  type AuditLine,
  decodeAudit,
  type Happening,
  happeningsOf,
  isOf,
  type Kind,
  keyOf,
} from './entry.ts';
import { HappeningRow } from './happening-row.tsx';
import type { Known } from './sentences.ts';

const PERIOD_MS = 5_000;
const PATH = '/api/v1/audit';

const tabs: readonly { readonly kind: Kind; readonly label: string; readonly none: string }[] = [
  { kind: 'all', label: 'All', none: 'Nothing has happened yet.' },
  { kind: 'seen', label: 'Seen', none: 'Nobody has seen or heard anything.' },
  { kind: 'changes', label: 'Changes', none: 'Nobody has changed anything.' },
  { kind: 'refused', label: 'Refused', none: 'Nobody was refused.' },
];

/** Who saw, heard, did and tried what. Every member of the household can read it. */
export function AuditPage() {
  const { me } = useMe();
  const asked = useAsked(PATH, decodeAudit, PERIOD_MS);
  const [older, setOlder] = useState<readonly AuditLine[]>([]);
  const [cursor, setCursor] = useState<string>();
  const [isAtEnd, setAtEnd] = useState(false);
  const [kind, setKind] = useState<Kind>('all');
  const more = useDeed();
  const devices = useDeviceNames(true);
  const now = useNow();
  const lines = useMemo(() => unique([...(asked.value?.lines ?? []), ...older]), [asked.value, older]);
  const shown = happeningsOf(lines).filter((happening) => isOf(kind, happening));
  const next = cursor ?? asked.value?.next;

  const goOn = async () => {
    if (next === undefined) return;
    const answer = await more.run(() => ask(`${PATH}?before=${encodeURIComponent(next)}`, decodeAudit));
    if (!answer?.ok) return;
    // What was on the first page stays known when newer lines push it off.
    setOlder([...lines, ...answer.value.lines]);
    setCursor(answer.value.next);
    setAtEnd(answer.value.next === undefined);
  };

  return (
    <Page title="History">
      <fieldset class="tabs">
        <legend class="heard-only">Show</legend>
        {tabs.map((tab) => (
          <button
            key={tab.kind}
            type="button"
            aria-pressed={tab.kind === kind}
            onClick={() => setKind(tab.kind)}
          >
            {tab.label}
          </button>
        ))}
      </fieldset>
      <Asking asked={asked} />
      {asked.value && shown.length === 0 && (
        <p class="hint centred">{tabs.find((tab) => tab.kind === kind)?.none}</p>
      )}
      <Days happenings={shown} known={{ me: me.id, devices }} now={now} />
      <Trouble problem={more.problem} />
      {next !== undefined && !isAtEnd && (
        <div class="buttons centred">
          <DeedButton isBusy={more.isBusy} onClick={() => void goOn()}>
            Show what was before
          </DeedButton>
        </div>
      )}
    </Page>
  );
}

/** Each line once, in the order in which they came. */
function unique(lines: readonly AuditLine[]): AuditLine[] {
  return [...new Map(lines.map((line) => [keyOf(line), line])).values()];
}

function Days({ happenings, known, now }: { happenings: readonly Happening[]; known: Known; now: number }) {
  const days = Map.groupBy(happenings, ({ at, until }) => showDay(until ?? at, now));
  return (
    <>
      {[...days].map(([day, list]) => (
        <section key={day} aria-label={day}>
          <h2 class="day">{day}</h2>
          <ol class="rows happenings">
            {list.map((happening) => (
              <HappeningRow key={keyOf(happening)} happening={happening} known={known} />
            ))}
          </ol>
        </section>
      ))}
    </>
  );
}
