// Plays /ws/<topic> of the agent that served this page at /preview/<topic>.
const topic = decodeURIComponent(location.pathname.slice('/preview/'.length));
document.title = topic;
document.querySelector('#name').textContent = topic;
const player = document.createElement('perch-player');
player.setAttribute('controls', '');
player.setAttribute('src', `${location.origin.replace(/^http/, 'ws')}/ws/${topic}`);
document.querySelector('#stage').append(player);
