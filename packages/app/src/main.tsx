import { render } from 'preact';
import { App } from './app.tsx';
import { Fields } from './http/fields.ts';
import { ownWorker } from './own-worker.ts';

render(<App />, document.body);

// The shell opens without a network, and can be installed. Away from localhost it needs HTTPS, as all of the app does.
if ('serviceWorker' in navigator) {
  void ownWorker();
  // A notification was tapped.
  navigator.serviceWorker.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const place = new Fields(data).text('goTo');
    if (place.startsWith('#/')) location.hash = place;
  });
}
