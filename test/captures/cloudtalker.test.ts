import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { CloudHome, nameOf } from './support/cloud-home.ts';

/** As upstream writes it: keys sorted, with Python's blanks (COMPAT 4.4). */
const STATE = '{"capture_asap": false, "heartbeat_period": 10, "id": 0, "pir_armed": false, "type": "state"}';
const FTYP = Buffer.from('0000001c66747970', 'hex');
const mp4 = (size: number) => Buffer.concat([FTYP, randomBytes(size - FTYP.length)]);

/** A relay, and a cloudtalker of it that shows a client certificate and nothing else, as an unmodified one does. */
async function home() {
  const at = await CloudHome.open();
  const connect = async () => {
    const peer = await at.connect();
    return {
      peer,
      say: (message: object) => peer.send(JSON.stringify(message)),
      segment(message: object, bytes: Buffer): void {
        peer.send(JSON.stringify({ type: 'capture_segment', ...message }));
        for (let at = 0; at < bytes.length; at += 1_300) peer.send(bytes.subarray(at, at + 1_300));
      },
      [Symbol.dispose]: () => peer[Symbol.dispose](),
    };
  };
  return {
    clock: at.clock,
    connect,
    films: () => at.films(),
    until: at.until.bind(at),
    filesOf: at.filesOf.bind(at),
    json: <T>(path: string) => at.json<T>(path),
    [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
  };
}

const pir = { trigger_timestamp: 1_795_000_000, trigger: 'pir' };

describe('an unmodified cloudtalker', () => {
  it('brings a film as it always did', async () => {
    await using at = await home();
    using line = await at.connect();
    const [first, second] = [mp4(3_000), mp4(1_300)];
    line.peer.send(STATE);
    line.say({ type: 'capture_start', ...pir });
    line.segment({ ...pir, seg_no: 0 }, first);
    line.segment({ ...pir, seg_no: 1 }, second);
    line.say({ type: 'capture_end', ...pir });
    const [film] = await at.until(([one]) => one?.ended != null);
    assert.deepEqual([film?.cause, film?.segments], ['motion', 2]);
    assert.deepEqual(
      at.filesOf('pir-1795000000'),
      new Map([
        [nameOf(0, first), first],
        [nameOf(1, second), second],
      ]),
    );
    // The camera's state, once: an answer to each would go back and forth for ever.
    assert.deepEqual(line.peer.heard.map(String), [
      '{"id":0,"heartbeat_period":10,"pir_armed":false,"capture_asap":false}',
    ]);
  });

  it('brings several films on one connection, with alarms and states between segments', async () => {
    await using at = await home();
    using line = await at.connect();
    const [first, second, other] = [mp4(2_000), mp4(2_000), mp4(2_000)];
    const asked = { trigger_timestamp: 1_795_000_100, trigger: 'request' };
    // Neither start nor number 0: taken all the same.
    line.segment({ ...pir, seg_no: 3 }, first);
    line.peer.send('{"type": "alarm", "trigger_timestamp": 1795000001}');
    line.segment({ ...pir, seg_no: 4 }, second);
    line.peer.send(STATE);
    // Another film ends the one before.
    line.segment({ ...asked, seg_no: 0 }, other);
    line.say({ type: 'capture_end', ...asked });
    const list = await at.until((all) => all.length === 2 && all.every(({ ended }) => ended !== null));
    assert.deepEqual(
      list.map(({ cause, segments }) => [cause, segments]),
      [
        ['asked', 1],
        ['motion', 2],
      ],
    );
    assert.equal((await at.json<unknown[]>('/api/v1/captures/alarms')).length, 1);
  });

  it('may bring a segment twice: it is there once, and a whole one takes the place of a cut one', async () => {
    await using at = await home();
    const bytes = mp4(5_000);
    {
      using line = await at.connect();
      line.segment({ ...pir, seg_no: 0 }, bytes.subarray(0, 2_600));
      await line.peer.settled();
    }
    await at.until(([one]) => one?.segments === 1);
    assert.deepEqual([...at.filesOf('pir-1795000000').values()], [bytes.subarray(0, 2_600)]);
    using line = await at.connect();
    line.segment({ ...pir, seg_no: 0 }, bytes);
    line.segment({ ...pir, seg_no: 0 }, mp4(7_000));
    line.say({ type: 'capture_end', ...pir });
    await at.until(([one]) => one?.ended != null);
    assert.deepEqual([...at.filesOf('pir-1795000000').values()], [bytes]);
  });

  it('that lost its connection has its film ended when nothing more comes', async () => {
    await using at = await home();
    {
      using line = await at.connect();
      line.segment({ ...pir, seg_no: 0 }, mp4(2_000));
      await line.peer.settled();
    }
    await at.until(([one]) => one?.segments === 1);
    assert.equal((await at.films())[0]?.ended, null);
    at.clock.advance(180_000);
    await at.until(([one]) => one?.ended != null);
  });

  it('is told when what it says is none of its protocol', async () => {
    await using at = await home();
    using line = await at.connect();
    line.peer.send('{"type":"capture_segment"}');
    assert.equal((await line.peer.closed).code, 1002);
  });
});
