// The agent's own page: what comes in, how it is put together, where it goes. Talks to the same API as everybody.
const $ = (selector) => document.querySelector(selector);
const status = $('#status');

/** How often figures are asked for while the page is visible. */
const PERIOD_MS = 1000;
/** By how much a feed is moved against the others, where lips and voice do not match. */
const STEP_MS = 10;

/** Streams as the page knows them: the feeds that were in a stream stay on its card when they are muted. */
const knownFeeds = new Map();

async function call(path, options) {
  const response = await fetch(path, options);
  const body = await response.text();
  if (!response.ok) throw new Error(body.trim() || `the agent answered ${response.status}`);
  return body === '' ? undefined : JSON.parse(body);
}

const save = (kind, rule) => call(`/api/${kind}`, { method: 'POST', body: JSON.stringify(rule) });
const remove = (kind, name) => call(`/api/${kind}/${name}`, { method: 'DELETE' });

const rate = (bits) =>
  bits >= 1e6 ? `${(bits / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bits / 1e3)} kbit/s`;
const size = (bytes) => (bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.round(bytes / 1e3)} kB`);
const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;

/** Makes or updates the cards of a list, by key, so that what has the focus keeps it. */
function showCards(list, entries, fill) {
  const left = new Map([...list.children].map((card) => [card.dataset.key, card]));
  for (const entry of entries) {
    const card = left.get(entry.key) ?? $('#card').content.firstElementChild.cloneNode(true);
    left.delete(entry.key);
    if (!card.dataset.key) {
      card.dataset.key = entry.key;
      list.append(card);
    }
    fill(card, entry);
  }
  for (const card of left.values()) card.remove();
}

function fillCard(card, { name, state, facts, error = null, lines = [] }) {
  const text = (selector, value) => {
    const element = card.querySelector(selector);
    if (element.textContent !== value) element.textContent = value;
  };
  text('.name', name);
  text('.state', state);
  text('.facts', facts);
  text('.error', error ?? '');
  card.querySelector('.error').hidden = !error;
  text('pre', lines.join('\n'));
  card.querySelector('details').hidden = lines.length === 0;
}

/** Puts a button on a card once; `onTap` is replaced each time. */
function button(card, key, label, onTap) {
  const actions = card.querySelector('.actions');
  let element = actions.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!element) {
    element = document.createElement('button');
    element.type = 'button';
    element.dataset.key = key;
    actions.append(element);
  }
  if (element.textContent !== label) element.textContent = label;
  element.onclick = async () => {
    element.disabled = true;
    try {
      await onTap();
      await refresh();
    } catch (error) {
      fail(error);
    } finally {
      element.disabled = false;
    }
  };
  return element;
}

function link(card, key, label, href) {
  const actions = card.querySelector('.actions');
  if (actions.querySelector(`[data-key="${key}"]`)) return;
  const element = document.createElement('a');
  Object.assign(element, { className: 'button', textContent: label, href });
  element.dataset.key = key;
  actions.append(element);
}

function showFeeds({ feeds, preview }) {
  const shown = feeds.filter(({ feed }) => feed !== 'api' && !feed.startsWith('stream/'));
  $('#feeds-hint').hidden = shown.length > 0;
  const entries = shown.map((feed) => ({ ...feed, key: feed.feed }));
  showCards($('#feeds'), entries, (card, shownFeed) => {
    const { feed, publishers, takers, bitRate, messages, bytes, tracks, restarts, delayMs, oddities } =
      shownFeed;
    const facts = [
      ...tracks.map(trackFacts),
      count(publishers, 'sender', 'senders'),
      count(takers, 'taker', 'takers'),
      `${size(bytes)} in ${count(messages, 'message', 'messages')}`,
      ...(delayMs > 0 ? [`shown ${delayMs} ms earlier`] : []),
      ...(restarts > 0 ? [`began anew ${count(restarts, 'time', 'times')}`] : []),
      ...clockFacts(shownFeed),
    ];
    fillCard(card, {
      name: feed,
      state: rate(bitRate),
      facts: facts.join(', '),
      error: oddities.join(' · '),
    });
    if (tracks.length > 0) {
      const delay = (ms) => save('feeds', { feed, delayMs: Math.max(0, delayMs + ms) });
      button(card, 'earlier', 'Show 10 ms earlier', () => delay(STEP_MS));
      if (delayMs > 0) button(card, 'later', 'Show 10 ms later', () => delay(-STEP_MS));
      else card.querySelector('[data-key="later"]')?.remove();
    }
    if (preview) link(card, 'preview', 'Preview', `/preview/${feed}`);
  });
}

const trackFacts = ({ codec, units, class: kind }) =>
  `${codec} (${kind === 'data' ? count(units, 'unit', 'units') : count(units, 'frame', 'frames')})`;

/** Only what is worth a look: a crystal is right to a few parts per million. */
const clockFacts = ({ driftPpm }) =>
  Math.abs(driftPpm ?? 0) >= 1 ? [`clock ${Math.abs(driftPpm)} ppm ${driftPpm > 0 ? 'fast' : 'slow'}`] : [];

function showStreams({ streams, preview }) {
  const entries = streams.map((stream) => ({ ...stream, key: stream.stream }));
  for (const name of knownFeeds.keys()) if (!entries.some(({ key }) => key === name)) knownFeeds.delete(name);
  showCards($('#streams'), entries, (card, shownStream) => {
    const { stream, feeds, takers, bitRate, tracks, alternatives, alternative, oddities } = shownStream;
    fillCard(card, {
      name: stream,
      state: takers > 0 ? `${rate(bitRate)}, ${count(takers, 'taker', 'takers')}` : 'nobody takes it',
      facts: [
        ...(alternatives
          ? [`alternative ${alternative + 1} of ${alternatives.length}: ${feeds.join(' + ')}`]
          : []),
        ...tracks.map((track) => `${track.feed}: ${trackFacts(track)}`),
      ].join(', '),
      error: oddities.join(' · '),
    });
    // What the uplink decides is not muted by hand.
    showToggles(card, stream, alternatives ? [] : feeds, alternatives !== null);
    if (preview) link(card, 'preview', 'Preview', `/preview/${stream}`);
    button(card, 'delete', 'Delete', () => remove('streams', stream));
  });
}

/** A button for each feed that is or was in the stream: pressed while it is. */
function showToggles(card, stream, feeds, forget) {
  if (forget) knownFeeds.delete(stream);
  const known = new Set([...(knownFeeds.get(stream) ?? []), ...feeds]);
  knownFeeds.set(stream, known);
  for (const old of card.querySelectorAll('[data-key^="feed "]'))
    if (!known.has(old.dataset.key.slice(5))) old.remove();
  for (const feed of known) {
    const passes = feeds.includes(feed);
    const next = passes ? feeds.filter((other) => other !== feed) : [...feeds, feed];
    const toggle = button(card, `feed ${feed}`, feed, () => save('streams', { stream, feeds: next }));
    toggle.setAttribute('aria-pressed', String(passes));
  }
}

function stateOf({ state, openForMs, nextTryInMs }) {
  if (state === 'open') return `connected for ${Math.round(openForMs / 1000)} s`;
  if (state === 'waiting') return `next try in ${Math.ceil(nextTryInMs / 1000)} s`;
  return state === 'connecting' ? 'connecting …' : state;
}

function showDestinations({ destinations }) {
  const entries = destinations.map((destination) => ({ ...destination, key: destination.id }));
  showCards($('#destinations'), entries, (card, destination) => {
    const { id, stream, bitRate, dropped, delayMs, reconnects, viewers, moving, readOnly } = destination;
    const facts = [
      rate(bitRate),
      ...(viewers === null ? [] : [viewers === 0 ? 'nobody watches' : count(viewers, 'viewer', 'viewers')]),
      ...(delayMs >= 100 ? [`${delayMs} ms behind`] : []),
      ...(dropped.messages > 0 ? [`${size(dropped.bytes)} left out`] : []),
      ...(reconnects > 0 ? [count(reconnects, 'reconnect', 'reconnects')] : []),
      ...(moving ? [`moving to ${moving.to} (${moving.state})`] : []),
    ];
    fillCard(card, {
      name: `${id}: ${stream} → ${destination.destination}`,
      state: stateOf(destination),
      facts: facts.join(', '),
      error: moving?.lastError ?? (destination.state === 'open' ? null : destination.lastError),
    });
    if (!readOnly) button(card, 'delete', 'Delete', () => remove('destinations', id));
  });
}

function showSources({ sources }) {
  $('#sources-section').hidden = sources.length === 0;
  const entries = sources.map((source) => ({ ...source, key: source.source }));
  showCards($('#sources'), entries, (card, { source, feed, state, restarts, lastError, lastLines }) =>
    fillCard(card, {
      name: source,
      state,
      facts: `feed ${feed}, ${count(restarts, 'restart', 'restarts')}`,
      error: lastError,
      lines: lastLines,
    }),
  );
}

function offerNames({ feeds, streams }) {
  const options = (names) => names.map((value) => Object.assign(document.createElement('option'), { value }));
  const feedNames = feeds.map(({ feed }) => feed).filter((feed) => feed !== 'api');
  $('#feed-names').replaceChildren(...options(feedNames));
  $('#topic-names').replaceChildren(...options([...streams.map(({ stream }) => stream), ...feedNames]));
}

function fail(error) {
  status.textContent = error.message;
  status.className = 'error';
}

function atRelay({ control }) {
  if (control === null) return '';
  if (control.relay !== null) return `, connected to ${control.relay}`;
  return `, not connected to a relay${control.lastError === null ? '' : ` (${control.lastError})`}`;
}

async function refresh() {
  const stats = await call('/api/stats');
  showFeeds(stats);
  showStreams(stats);
  showDestinations(stats);
  showSources(stats);
  offerNames(stats);
  status.textContent = `${location.host}, running${atRelay(stats)}`;
  status.className = '';
}

function onSubmit(form, submit) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const output = form.querySelector('output');
    output.textContent = '';
    try {
      await submit(Object.fromEntries(new FormData(form)));
      form.reset();
      await refresh();
    } catch (error) {
      output.textContent = error.message;
    }
  });
}

onSubmit($('#add-stream'), ({ stream, feeds }) =>
  save('streams', { stream, feeds: feeds.split(/[\s,]+/).filter((feed) => feed !== '') }),
);
onSubmit($('#add-destination'), (rule) => save('destinations', rule));
$('#example').textContent =
  `ffmpeg -f lavfi -i testsrc2 -c:v libx264 -tune zerolatency -f mpegts ${location.origin}/ts/video0`;

async function keepFresh() {
  try {
    if (!document.hidden) await refresh();
  } catch (error) {
    fail(error instanceof TypeError ? new Error('The agent does not answer. Trying again …') : error);
  }
  setTimeout(keepFresh, PERIOD_MS);
}
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) refresh().catch(fail);
});
await keepFresh();
