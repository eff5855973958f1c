import { render } from 'preact';
import { seriesVariables } from '../src/report/chart-theme.js';
import 'uplot/dist/uPlot.min.css';
import { App } from './app.js';
import './style.css';

// The reports' colours; a sheet made here, since the page's content security policy takes no inline style.
const colors = new CSSStyleSheet();
colors.replaceSync(`:root { ${seriesVariables('light')} } @media (prefers-color-scheme: dark) { :root { ${seriesVariables('dark')} } }`);
document.adoptedStyleSheets.push(colors);

const place = document.getElementById('app');
if (place) render(<App />, place);
