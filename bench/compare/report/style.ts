/** The whole style of the page, which loads nothing. People who cannot tell red from green can still tell its colours apart. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fdfdfc; --ink: #1d2430; --faint: #667085; --line: #dde1e7;
  --bare: #8a94a6; --rival: #c9a227; --store: #2463c9; --gain: #2b7bd6; --loss: #d9622b; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181f; --ink: #e4e8ef; --faint: #98a2b3; --line: #2c3440;
  --bare: #7c879a; --rival: #b8942a; --store: #5b96f0; --gain: #3f83d8; --loss: #cf6a35; } }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 82rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem } h2 { margin: 2.6rem 0 .4rem; font-size: 1.25rem }
h3 { margin: 1.4rem 0 .2rem; font-size: 1rem } p { max-width: 60rem; margin: .3rem 0 .8rem }
.faint { color: var(--faint) } .wide { overflow-x: auto } svg { display: block; max-width: none; font-size: 11px }
@media (min-width: 60rem) { .overview svg { width: 100%; height: auto } }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(23rem, 1fr)); gap: 0 2rem; align-items: start }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(400px, 1fr)); gap: .4rem 1.4rem }
figure { margin: 0; overflow-x: auto } figcaption { font-weight: 600; margin: .6rem 0 .1rem }
table { border-collapse: collapse; font-size: .92em } td, th { padding: .2rem .9rem .2rem 0; text-align: left;
  border-bottom: 1px solid var(--line); vertical-align: top } .number { text-align: right; font-variant-numeric: tabular-nums }
.key span { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin: 0 .3em 0 1em }
.ok { color: var(--gain); font-weight: 700 } .below { color: var(--loss); font-weight: 700 }
summary { cursor: pointer; font-size: 1.1rem; font-weight: 600; margin: .8rem 0 }
`
