"""The page around the sections: one HTML file, nothing fetched from anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

__all__ = ["Section", "Tile", "figure", "legend", "page", "table"]


@dataclass(frozen=True)
class Tile:
    """One figure at the top of the page.

    Attributes:
        name: What it is.
        value: The figure.
        note: How to read it.
    """

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Section:
    """One part of the page.

    Attributes:
        anchor: Its name in links.
        title: Its heading.
        body: HTML.
        tiles: Its figures for the top of the page.
    """

    anchor: str
    title: str
    body: str
    tiles: Sequence[Tile] = field(default=())


_STYLE = """
:root { color-scheme: light dark; --ink: #1c1a1b; --soft: #6b6467; --paper: #fbfaf9; --card: #fff;
  --line: #e4dfe0; --wine: #7a1f3d; --grey: #b9b2b5; --real: #9aa5b1; --cold: #1f5fbf;
  --band: #7a1f3d22; }
@media (prefers-color-scheme: dark) { :root { --ink: #ece8e9; --soft: #a39a9e; --paper: #171516;
  --card: #201d1e; --line: #3a3436; --wine: #e08aa6; --grey: #6f666a; --real: #66717d;
  --cold: #7fb0ff; --band: #e08aa62e; } }
@media print { :root { --ink: #000; --soft: #444; --paper: #fff; --card: #fff; --line: #ccc;
  --wine: #7a1f3d; --grey: #999; --real: #9aa5b1; --cold: #1f5fbf; --band: #7a1f3d22; }
  nav { display: none; } section, figure, tr { break-inside: avoid; }
  section.long { break-inside: auto; } body { font-size: 11pt; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main, header { max-width: 76rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.25rem; }
h1 { margin: 0; font-size: 1.9rem; letter-spacing: -.01em; } h1 b { color: var(--wine); }
h2 { margin: 0 0 .4rem; font-size: 1.3rem; }
h3 { margin: 1.4rem 0 .3rem; font-size: 1rem; }
p { margin: .35rem 0; max-width: 52rem; } .soft, figcaption, .tile small { color: var(--soft); }
a { color: var(--wine); } nav { margin: .9rem 0 0; display: flex; flex-wrap: wrap;
  gap: .2rem 1.1rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1.25rem; margin: 1.25rem 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.6rem, 1fr)); gap: .75rem;
  margin: 1.25rem 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .8rem 1rem; } .tile b { display: block; font-size: 1.5rem; color: var(--wine);
  line-height: 1.25; font-variant-numeric: tabular-nums; } .tile small { display: block;
  line-height: 1.35; }
.grid-of { display: grid; grid-template-columns: repeat(auto-fill, minmax(16.5rem, 1fr));
  gap: 1rem 1.25rem; }
.grid-of.wide { grid-template-columns: repeat(auto-fill, minmax(24rem, 1fr)); }
.flow { columns: 16.5rem; column-gap: 1.5rem; } .flow figure { break-inside: avoid;
  padding-bottom: .6rem; }
figure { margin: .5rem 0; min-width: 0; } figcaption { font-size: .86rem; line-height: 1.4; }
figcaption b { color: var(--ink); }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 10.5px;
  font-family: inherit; } svg text.name { fill: var(--ink); }
.grid { stroke: var(--line); fill: none; } .axis { stroke: var(--grey); fill: none; }
.real { fill: var(--real); } .made { fill: var(--wine); }
.real-line { stroke: var(--real); stroke-width: 1.6; fill: none; }
.made-line { stroke: var(--wine); stroke-width: 1.8; fill: none; }
.guide { stroke: var(--soft); stroke-dasharray: 4 3; fill: none; }
.band { fill: var(--band); } .warm { fill: var(--wine); } .cold { fill: var(--cold); }
.void { fill: var(--line); fill-opacity: .5; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; font-size: .86rem; color: var(--soft);
  margin: .3rem 0; } .legend i { display: inline-block; width: .9em; height: .9em;
  margin-right: .4em; vertical-align: -.08em; border-radius: .15em; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; margin: .4rem 0; }
caption { text-align: left; color: var(--soft); padding: .2rem 0; }
th, td { text-align: left; padding: .28rem 1.1rem .28rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; } th { color: var(--soft); font-weight: 600; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
details { margin: .6rem 0; } summary { cursor: pointer; color: var(--soft); }
.bar { display: inline-block; height: .7em; background: var(--wine); border-radius: .15em; }
footer { color: var(--soft); font-size: .88rem; padding: .5rem 0 2.5rem; }
code { font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  overflow-wrap: anywhere; }
"""


def page(title: str, introduction: str, sections: Sequence[Section], footer: str) -> str:
    """The whole document.

    Args:
        title: Name of the model.
        introduction: HTML that stands under the heading.
        sections: In their order.
        footer: HTML that stands at the end.
    """
    links = "".join(f'<a href="#{part.anchor}">{escape(part.title)}</a>' for part in sections)
    tiles = "".join(_tile(tile) for part in sections for tile in part.tiles)
    bodies = "".join(
        f'<section id="{part.anchor}" class="long" aria-labelledby="{part.anchor}-title">'
        f'<h2 id="{part.anchor}-title">{escape(part.title)}</h2>{part.body}</section>'
        for part in sections
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}: Madeira report</title>\n"
        f'<link rel="icon" href="data:,">\n<style>{_STYLE}</style>\n</head>\n<body>\n'
        f"<header><h1><b>{escape(title)}</b> against held-out rows</h1>{introduction}"
        f'<nav aria-label="Sections">{links}</nav></header>\n'
        f'<main><div class="tiles">{tiles}</div>\n{bodies}<footer>{footer}</footer></main>\n'
        "</body>\n</html>\n"
    )


def figure(picture: str, caption: str) -> str:
    """A picture with its caption, which is HTML."""
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def legend(*entries: tuple[str, str]) -> str:
    """What the colours mean: pairs of a CSS colour and its words."""
    items = "".join(
        f'<span><i style="background:{colour}"></i>{escape(words)}</span>'
        for colour, words in entries
    )
    return f'<div class="legend">{items}</div>'


def table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; cells are HTML. A heading that starts with # is of a column of numbers."""
    kinds = [' class="n"' if heading.startswith("#") else "" for heading in headings]
    head = "".join(
        f'<th scope="col"{kind}>{escape(heading.removeprefix("#"))}</th>'
        for kind, heading in zip(kinds, headings, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _tile(tile: Tile) -> str:
    return (
        f'<div class="tile">{escape(tile.name)}<b>{escape(tile.value)}</b>'
        f"<small>{escape(tile.note)}</small></div>"
    )
