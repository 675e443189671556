import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { millis } from '@perch/runtime';
import { Outbox } from './outbox.ts';
import type { Choice } from './settings.ts';
import { PushBench } from './testing/push-bench.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const data = mkdtempSync(join(tmpdir(), 'perch-push-'));
let made = 0;
after(() => rmSync(data, { recursive: true, force: true }));

const open = async () => {
  const bench = await PushBench.open(`sqlite:${data}/${++made}.db`);
  const push = await bench.relay();
  await bench.device('door');
  const anna = await bench.person('Anna');
  const count = async () => {
    const [n] = await bench.database.query('SELECT count(*) AS n FROM push_outbox', [], (row) =>
      row.number('n'),
    );
    return n;
  };
  return { bench, push, anna, count, [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() };
};

describe('pushes', () => {
  it('tell of an alarm at once, urgently, in every browser of the household that may see films', async () => {
    await using at = await open();
    const { bench, anna } = at;
    const [phone, guest] = [await bench.signIn(anna.user), await bench.person('Gus', 'guest')];
    await bench.database.execute(`INSERT INTO households (id, name, created) VALUES ('lab', 'lab', 0)`);
    const theirs = await bench.person('Lea', 'owner', 'lab');
    await bench.alarm('door');
    await bench.settled();
    for (const who of [anna, phone]) assert.deepEqual(bench.heard(who), ['alarm the door, no film']);
    for (const who of [guest, theirs]) assert.deepEqual(bench.heard(who), []);
    assert.deepEqual(new Set(bench.service.pushed.map(({ headers }) => headers.urgency)), new Set(['high']));
    assert.equal(await at.count(), 0);
  });

  it('tell of a film when its first picture is there', async () => {
    await using at = await open();
    const { bench, anna } = at;
    const film = await bench.film('door');
    await bench.settled();
    await film.segment();
    await bench.settled();
    assert.deepEqual(bench.heard(anna), [], 'it cannot be shown yet');
    bench.hasPictures = true;
    await film.segment();
    await bench.settled();
    assert.deepEqual(bench.heard(anna), ['motion the door']);
    assert.deepEqual(bench.service.readBy(anna.browser), [
      {
        ...{ what: 'motion', tag: film.id, name: 'the door', device: 'door', capture: film.id },
        at: film.of.timestamp * 1_000,
      },
    ]);
    assert.equal(bench.service.pushed[0]?.headers.urgency, 'normal');
    await bench.advance(MINUTE);
    assert.equal(bench.heard(anna).length, 1);
  });

  it('tell of it without a picture after a few seconds', async () => {
    await using at = await open();
    const { bench, anna } = at;
    await bench.film('door', { cause: 'asked' });
    await bench.advance(4_000);
    assert.deepEqual(bench.heard(anna), []);
    await bench.advance(2_000);
    assert.deepEqual(bench.heard(anna), ['asked the door']);
  });

  it('tell of a film with an alarm once, as an alarm; and again where the alarm comes later', async () => {
    await using at = await open();
    const { bench, anna } = at;
    const film = await bench.film('door');
    await bench.alarm('door', film.of);
    await bench.settled();
    await bench.advance(10_000);
    assert.deepEqual(bench.heard(anna), ['alarm the door']);
    const later = await bench.film('door');
    await bench.advance(10_000);
    await bench.alarm('door', later.of);
    await bench.settled();
    assert.deepEqual(bench.heard(anna).slice(1), ['motion the door', 'alarm the door']);
    const topics = bench.service.pushed.map(({ headers }) => headers.topic);
    assert.equal(topics[1], topics[2], 'the second takes the place of the first');
    assert.notEqual(topics[0], topics[1]);
    assert.ok(!String(topics[0]).includes(film.id), 'the push service does not learn which film');
  });

  it('tell of an alarm that comes while its film is being told', async () => {
    await using at = await open();
    const { bench, anna } = at;
    bench.service.replies.push('hang');
    const film = await bench.film('door');
    await bench.settled();
    bench.clock.advance(6_000);
    await bench.service.got(1);
    const { database, clock } = bench;
    const alarm = { what: 'alarm', device: 'door', capture: film.id, at: clock.wall() } as const;
    await new Outbox({ database, clock }).put('home', alarm, { wait: millis(0), life: millis(HOUR) });
    clock.advance(61_000); // the first try is given up
    await bench.service.got(2);
    assert.deepEqual(bench.heard(anna), ['motion the door', 'alarm the door']);
  });

  it('are not sent to who lost the right, signed out or was removed in between', async () => {
    await using at = await open();
    const { bench, anna } = at;
    const bert = await bench.person('Bert');
    const cleo = await bench.person('Cleo');
    const dora = await bench.person('Dora');
    const gus = await bench.person('Gus', 'guest');
    const permit = (user: string, list: readonly ('view' | 'captures')[]) =>
      bench.users.change(user, 'home', { permissions: new Map([['door', list]]) });
    await permit(gus.user, ['captures']);
    await bench.film('door');
    await bench.settled();
    await permit(anna.user, ['view']);
    await bench.sessions.end(bert.session);
    await bench.users.remove(cleo.user, 'home');
    await bench.advance(10_000);
    assert.deepEqual([anna, bert, cleo].flatMap(bench.heard.bind(bench)), []);
    for (const who of [dora, gus]) assert.deepEqual(bench.heard(who), ['motion the door']);
    const rows = (table: string) => `SELECT count(*) AS n FROM ${table} WHERE user_id = ?`;
    for (const { user } of [bert, cleo]) {
      const [n] = await bench.database.query(rows('push_subscriptions'), [user], (row) => row.number('n'));
      assert.equal(n, 0);
    }
    bench.clock.advance(31 * 24 * HOUR);
    await bench.alarm('door');
    await bench.settled();
    assert.ok(!bench.heard(dora).some((text) => text.startsWith('alarm')), 'its sign-in has ended');
  });

  it('are not sent of a film that was deleted, nor of a device that was removed', async () => {
    await using at = await open();
    const { bench, anna } = at;
    await bench.device('yard');
    const film = await bench.film('door');
    await bench.film('yard');
    await bench.library.remove(film.id, { isGiven: true });
    await bench.database.execute(`UPDATE devices SET removed = 1 WHERE id = 'yard'`);
    await bench.advance(10_000);
    assert.deepEqual(bench.heard(anna), []);
  });

  it('are not sent of what comes home days later, but where a device’s clock is wrong', async () => {
    await using at = await open();
    const { bench, anna } = at;
    await bench.film('door', { ago: 5 * HOUR });
    await bench.advance(10_000);
    assert.deepEqual(bench.heard(anna), []);
    await bench.film('door', { ago: HOUR });
    await bench.film('door', { ago: bench.clock.wall(), cause: 'asked' });
    await bench.advance(10_000);
    assert.deepEqual(bench.heard(anna).sort(), ['asked the door', 'motion the door']);
  });

  it('are of what each person chose', async () => {
    await using at = await open();
    const { bench, push, anna } = at;
    const bert = await bench.person('Bert');
    const choose = (user: string, choice: Choice) =>
      push.settings.keep(user, { quiet: undefined, devices: new Map([['door', choice]]) });
    await choose(anna.user, 'alarms');
    await choose(bert.user, 'nothing');
    await bench.film('door');
    await bench.alarm('door');
    await bench.advance(10_000);
    assert.deepEqual(bench.heard(anna), ['alarm the door, no film']);
    assert.deepEqual(bench.heard(bert), []);
    await bench.users.remove(bert.user, 'home');
    assert.deepEqual((await push.settings.of(bert.user)).devices.size, 0, 'what he chose went with him');
  });

  it('keep quiet when somebody wants it, with or without alarms', async () => {
    await using at = await open();
    const { bench, push, anna } = at;
    const bert = await bench.person('Bert');
    const hours = { from: '22:00', to: '07:00', zone: 'Europe/Zurich', days: [1, 2, 3, 4, 5, 6, 7] };
    await push.settings.keep(anna.user, { quiet: { ...hours, alarms: true }, devices: new Map() });
    await push.settings.keep(bert.user, { quiet: { ...hours, alarms: false }, devices: new Map() });
    bench.clock.advance(12 * HOUR); // midnight in Zurich
    await bench.film('door');
    await bench.alarm('door');
    await bench.advance(10_000);
    assert.deepEqual(bench.heard(anna), ['alarm the door, no film']);
    assert.deepEqual(bench.heard(bert), []);
    bench.clock.advance(7 * HOUR);
    await bench.settled();
    await bench.film('door');
    await bench.advance(10_000);
    assert.deepEqual(bench.heard(bert), ['motion the door'], 'in the morning of what happens then');
  });

  it('end where the push service knows the browser no more', async () => {
    for (const status of [404, 410]) {
      await using at = await open();
      const { bench, push, anna } = at;
      bench.service.replies.push({ status });
      await bench.alarm('door');
      await bench.settled();
      assert.equal(await push.subscriptions.find(anna.session), undefined);
      assert.equal(await at.count(), 0);
    }
  });

  it('are tried again, later and later, or when the push service says, and given up when they are old', async () => {
    await using at = await open();
    const { bench, push, anna } = at;
    const { service } = bench;
    service.replies.push({ status: 503 }, { status: 429, headers: { 'Retry-After': '100' } });
    await bench.alarm('door');
    await bench.settled();
    assert.match((await push.subscriptions.find(anna.session))?.problem ?? '', /answered 503/);
    await bench.advance(15_000);
    assert.equal(service.pushed.length, 2);
    await bench.advance(90_000);
    assert.equal(service.pushed.length, 2);
    await bench.advance(15_000);
    assert.equal(service.pushed.length, 3);
    const { problem, delivered } = (await push.subscriptions.find(anna.session)) ?? {};
    assert.equal(problem, undefined);
    assert.ok(delivered);

    service.replies.push(...Array.from({ length: 100 }, () => ({ status: 500 })));
    await bench.film('door');
    await bench.advance(5 * HOUR);
    const tries = service.pushed.length - 3;
    assert.ok(tries > 5 && tries < 20, String(tries));
    assert.equal(await at.count(), 0);
  });

  it('are put in when the database is there again', async () => {
    await using at = await open();
    const { bench, anna } = at;
    await bench.database.execute('ALTER TABLE push_outbox RENAME TO away');
    const tried = bench.failed();
    await bench.alarm('door');
    await tried;
    await bench.database.execute('ALTER TABLE away RENAME TO push_outbox');
    bench.clock.advance(2_000);
    await bench.service.got(1);
    assert.deepEqual(bench.heard(anna), ['alarm the door, no film']);
  });

  it('that a push service will never take are not tried again', async () => {
    await using at = await open();
    const { bench, push, anna } = at;
    bench.service.replies.push({ status: 403 });
    await bench.alarm('door');
    await bench.settled();
    await bench.advance(HOUR);
    assert.equal(bench.service.pushed.length, 1);
    assert.match((await push.subscriptions.find(anna.session))?.problem ?? '', /answered 403/);
  });

  it('are sent once, however many relays share the database', async () => {
    await using at = await open();
    const { bench, anna } = at;
    await bench.otherRelay();
    await bench.otherRelay();
    for (let i = 0; i < 6; i++) await bench.film('door');
    await bench.alarm('door');
    await bench.settled();
    await bench.advance(MINUTE);
    assert.equal(bench.heard(anna).length, 7);
    assert.equal(new Set(bench.service.readBy(anna.browser).map((text) => JSON.stringify(text))).size, 7);
  });

  it('that a relay had begun when it ended are sent by another one', async () => {
    await using at = await open();
    const { bench, push, anna } = at;
    bench.service.replies.push('hang');
    await bench.alarm('door');
    await bench.service.got(1);
    await push.close();
    await bench.otherRelay();
    await bench.advance(2 * MINUTE);
    assert.deepEqual(bench.heard(anna), ['alarm the door, no film', 'alarm the door, no film']);
    assert.equal(await at.count(), 0);
  });

  it('to a browser whose push service hangs keep nobody else waiting', async () => {
    await using at = await open();
    const { bench, anna } = at;
    bench.service.replies.push('hang');
    await bench.alarm('door');
    await bench.service.got(1);
    const bert = await bench.person('Bert');
    for (let i = 0; i < 3; i++) {
      bench.clock.advance(1_000);
      await bench.alarm('door');
    }
    await bench.service.got(4);
    assert.equal(bench.heard(bert).length, 3);
    assert.equal(bench.heard(anna).length, 1);
  });

  it('do not flood a browser: films are left out, alarms are not', async () => {
    await using at = await open();
    const { bench, anna } = at;
    for (let i = 0; i < 30; i++) {
      await bench.film('door');
      await bench.advance(6_000);
    }
    const films = bench.heard(anna).length;
    assert.ok(films >= 20 && films <= 24, String(films));
    await bench.alarm('door');
    await bench.settled();
    assert.equal(bench.heard(anna).at(-1), 'alarm the door, no film');
  });

  it('say once, by day, that a sign-in ends and notifications with it', async () => {
    await using at = await open();
    const { bench, push, anna } = at;
    const hours = { from: '22:00', to: '07:00', zone: 'Europe/Zurich', days: [1, 2, 3, 4, 5, 6, 7] };
    await push.settings.keep(anna.user, { quiet: { ...hours, alarms: true }, devices: new Map() });
    await bench.otherRelay();
    bench.service.replies.push({ status: 503 });
    bench.clock.advance(27 * 24 * HOUR);
    await bench.settled();
    const heard = () => bench.service.readBy(anna.browser) as { what: string; at: number }[];
    assert.deepEqual(heard(), []);
    for (let hour = 0; hour < 71; hour++) {
      bench.clock.advance(HOUR);
      await bench.settled();
      const time = new Date(bench.clock.wall()).getUTCHours();
      if (heard().length === 1) assert.ok(time >= 5 && time < 20, 'not at night');
    }
    const texts = heard();
    assert.deepEqual(
      texts.map(({ what }) => what),
      ['ending', 'ending'],
      'again where it was not taken, and then no more',
    );
    assert.equal(texts[0]?.at, Date.parse('2026-07-03T10:00:00Z'));
  });

  it('reach a browser that signed in anew as its new session, once', async () => {
    await using at = await open();
    const { bench, push, anna } = at;
    const bert = await bench.person('Bert');
    await push.subscriptions.remove(bert.session);
    const again = await bench.signIn(bert.user, anna.browser);
    await bench.alarm('door');
    await bench.settled();
    assert.equal(bench.heard(again).length, 1);
    assert.equal(await push.subscriptions.find(anna.session), undefined);
  });
});
