/** `/stats`: asks `/ws` once a second and shows who is connected. Its script is a file of its own, for the CSP. */
export const statsPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Perch: connections</title>
<style>
  body { font: 15px/1.4 system-ui, sans-serif; margin: 1rem; color: #222; background: #fff; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #ddd; }
  td.n { text-align: right; font-variant-numeric: tabular-nums; }
  @media (prefers-color-scheme: dark) { body { color: #ddd; background: #111; } th, td { border-color: #333; } }
</style>
<h1>Connections</h1>
<p id="state" role="status">Connecting …</p>
<table>
  <thead><tr><th>Topic<th>Role<th>From<th>Program<th>Sends<th>Bytes<th>Last<th>Gets<th>Bytes<th>Last</thead>
  <tbody id="rows"></tbody>
</table>
<script src="/stats.js"></script>
</html>
`;

export const statsScript = `'use strict';
const state = document.querySelector('#state');
const rows = document.querySelector('#rows');
let arriving = [];

function show() {
  rows.replaceChildren(...arriving.map((client) => {
    const { tx, rx } = client.stats;
    const row = document.createElement('tr');
    const cells = [client.topic, client.broadcaster ? 'publisher' : 'viewer', client.remoteAddr, client.userAgent,
      tx.fps.toFixed(1) + '/s', tx.size, tx.last, rx.fps.toFixed(1) + '/s', rx.size, rx.last];
    for (const [i, text] of cells.entries()) {
      const cell = row.insertCell();
      cell.textContent = text;
      if (i > 3) cell.className = 'n';
    }
    return row;
  }));
  state.textContent = arriving.length + ' connected';
}

function connect() {
  const socket = new WebSocket((location.protocol === 'https:' ? 'wss://' : 'ws://') + location.host + '/ws');
  let timer;
  const ask = () => { show(); arriving = []; socket.send('-'); };
  socket.onopen = () => { arriving = []; socket.send('-'); timer = setInterval(ask, 1000); };
  socket.onmessage = (event) => arriving.push(JSON.parse(event.data));
  socket.onclose = () => {
    clearInterval(timer);
    state.textContent = 'Not connected. Sign in, or open the topic "stats"; trying again …';
    setTimeout(connect, 3000);
  };
}
connect();
`;

/**
 * The script of `/embed/<topic>`: who has a one-time code in the address, or from the page around it, uses that; everybody
 * else's right is the browser's own. A code is for one connection: when that ends, the page around is asked for another.
 */
const embedScript = `
const player = document.querySelector('perch-player');
const { topic } = player.dataset;
const use = (code) => {
  player.src = location.origin.replace('http', 'ws') + '/session/' + topic + '?code=' + encodeURIComponent(code);
};
const code = new URLSearchParams(location.search).get('code');
if (code) use(code);
else player.src = '/session/' + topic;
history.replaceState(null, '', location.pathname);
if (parent !== window) {
  addEventListener('message', ({ source, data }) => {
    if (source === parent && typeof data?.perchCode === 'string') use(data.perchCode);
  });
  player.addEventListener('statechange', ({ detail }) => {
    if (detail.kind === 'lost') parent.postMessage({ perchCodeWanted: topic }, '*');
  });
}
`;

/** `/embed/<topic>`: nothing but the player. @param topic a valid topic name, so it needs no escaping. */
export const embedPage = (topic: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${topic}</title>
<style>
  html, body { margin: 0; height: 100%; background: #000; }
  perch-player { display: block; width: 100%; height: 100%; }
</style>
<script type="module" src="/player.js"></script>
<perch-player data-topic="${topic}" controls></perch-player>
<script type="module">${embedScript}</script>
</html>
`;
