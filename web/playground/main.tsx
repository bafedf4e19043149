import { render } from 'preact';
import '../common/theme.css';
import './playground.css';
import { Playground } from './playground.js';

render(<Playground />, document.getElementById('app')!);
