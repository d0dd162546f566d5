"""The page that both examples show: one self-contained HTML document, no framework in it."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>cppcorn · {framework}</title>
<style>
  :root {{ color-scheme: light dark; }}
  :root {{ --ink: #1d2733; --paper: #f6f4ee; --line: #d8d3c5; --accent: #b4541a; }}
  @media (prefers-color-scheme: dark) {{
    :root {{ --ink: #e8e4da; --paper: #16191d; --line: #343a41; --accent: #f0a04b; }}
  }}
  * {{ box-sizing: border-box; }}
  body {{ margin: 0; background: var(--paper); color: var(--ink); }}
  body {{ font: 16px/1.6 system-ui, sans-serif; }}
  main {{ max-width: 44rem; margin: 0 auto; padding: 4rem 1.5rem; }}
  h1 {{ font-size: 2.4rem; margin: 0 0 .2rem; letter-spacing: -.02em; }}
  h1 span {{ color: var(--accent); }}
  section {{ border-top: 1px solid var(--line); margin-top: 2rem; padding-top: 1.2rem; }}
  h2 {{ font-size: 1rem; margin: 0 0 .6rem; }}
  code, pre {{ font: 14px/1.5 ui-monospace, monospace; }}
  pre {{ border: 1px solid var(--line); padding: .8rem 1rem; overflow-x: auto; }}
  pre {{ min-height: 3.2rem; margin: .6rem 0; }}
  a {{ color: var(--accent); }}
  form {{ display: flex; gap: .6rem; flex-wrap: wrap; }}
  input, button {{ font: inherit; padding: .35rem .7rem; border: 1px solid var(--line); }}
  input, button {{ background: none; color: inherit; }}
  button {{ border-color: var(--accent); color: var(--accent); cursor: pointer; }}
</style>
</head>
<body>
<main>
  <h1>cpp<span>corn</span></h1>
  <p>{framework} answers here, served by worker {pid}. {note}</p>

  <section>
    <h2>A JSON API</h2>
    <form id="add">
      <input name="text" placeholder="a note" maxlength="200" required> <button>Add</button>
    </form>
    <pre id="notes">…</pre>
    <p><code>GET /api/notes</code>, <code>POST /api/notes</code>{docs}</p>
  </section>

  <section>
    <h2>A stream</h2>
    <pre id="ticks"></pre>
    <p><code>GET /api/ticks</code> sends ten server-sent events, two a second.</p>
  </section>

  <section>
    <h2>An upload</h2>
    <form id="upload"><input type="file" name="file" required> <button>Measure</button></form>
    <pre id="measured"></pre>
    <p><code>POST /api/measure</code> gives the length and the SHA-256 of what it is sent.</p>
  </section>
</main>
<script>
  const show = (id, text) => document.getElementById(id).textContent = text;
  const notes = async (options) => {{
    const answer = await fetch("/api/notes", options);
    show("notes", JSON.stringify(await answer.json(), null, 2));
  }};
  document.getElementById("add").onsubmit = (event) => {{
    event.preventDefault();
    const text = event.target.text.value;
    event.target.reset();
    const headers = {{"content-type": "application/json"}};
    notes({{method: "POST", headers, body: JSON.stringify({{text}})}});
  }};
  document.getElementById("upload").onsubmit = async (event) => {{
    event.preventDefault();
    const body = event.target.file.files[0];
    const answer = await fetch("/api/measure", {{method: "POST", body}});
    show("measured", JSON.stringify(await answer.json(), null, 2));
  }};
  const ticks = new EventSource("/api/ticks");
  const seen = [];
  ticks.onmessage = (event) => {{ seen.push(event.data); show("ticks", seen.join("\\n")); }};
  ticks.addEventListener("end", () => ticks.close());
  notes();
</script>
</body>
</html>
"""


def page(framework: str, pid: int, note: str, docs: str = "") -> str:
    return PAGE.format(framework=framework, pid=pid, note=note, docs=docs)
