import { render } from 'preact';
import '../common/theme.css';
import '../common/bytes.css';
import './page.css';
import { App } from './app.js';

render(<App />, document.getElementById('app')!);
