import { render } from 'preact';
import '../common/theme.css';

render(<h1>Sluice playground</h1>, document.getElementById('app')!);
