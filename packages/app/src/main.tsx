import { render } from 'preact';
import { App } from './app.tsx';

render(<App />, document.body);

// The shell opens without a network, and can be installed. Away from localhost it needs HTTPS, as all of the app does.
if ('serviceWorker' in navigator) {
  navigator.serviceWorker
    .register('/sw.js')
    .catch((error: unknown) => console.warn('no offline shell:', error));
}
