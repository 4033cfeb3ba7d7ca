(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripted");

  const themes = () => {
    const button = document.getElementById("theme");
    const system = matchMedia("(prefers-color-scheme: dark)");
    const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
    const say = () => { button.textContent = dark() ? "Light theme" : "Dark theme"; };
    button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; say(); });
    system.addEventListener("change", say);
    button.hidden = false;
    say();
  };

  // Only the rows that are shown are in the document: with 10,000 of them, sorting stays a matter of milliseconds.
  const results = () => {
    const table = document.getElementById("table");
    const body = table.tBodies[0];
    const first = Number(table.dataset.first);
    const rows = [...body.rows];
    const collator = new Intl.Collator("en", { numeric: true });
    const heads = [...table.tHead.rows[0].cells];
    const texts = new Map();
    const keys = [];
    const count = document.getElementById("count");
    const more = document.getElementById("more");
    const filter = document.getElementById("filter");
    let order = rows, filtered = rows, shown = first, sorted = "", total = rows.length.toLocaleString("en");

    const text = (row) => {
      if (!texts.has(row)) texts.set(row, [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase());
      return texts.get(row);
    };
    const draw = () => {
      const page = filtered.slice(0, shown);
      for (const row of page) row.hidden = false;
      body.replaceChildren(...page);
      more.hidden = page.length === filtered.length;
      const some = more.hidden ? "" : `, the first ${page.length.toLocaleString("en")} shown`;
      count.textContent = `${filtered.length.toLocaleString("en")} of ${total} rows${some}${sorted}`;
    };
    const apply = () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter((word) => word && word !== "-");
      const wanted = words.filter((word) => word[0] !== "-");
      const unwanted = words.filter((word) => word[0] === "-").map((word) => word.slice(1));
      filtered = words.length === 0 ? order : order.filter((row) => {
        const has = text(row);
        return wanted.every((word) => has.includes(word)) && !unwanted.some((word) => has.includes(word));
      });
      shown = first;
      draw();
    };
    const key = (column) => {
      keys[column] ??= new Map(rows.map((row) => {
        const cell = row.cells[column];
        return [row, cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v)];
      }));
      return keys[column];
    };
    const sort = (column) => {
      const head = heads[column];
      const up = head.getAttribute("aria-sort") !== "ascending";
      const by = key(column);
      const blank = (value) => value === "" || value === "-";
      const compare = (left, right) => {
        if (typeof left === "number" && typeof right === "number") return left - right;
        if (typeof left === "number") return -1;
        return typeof right === "number" ? 1 : collator.compare(left, right);
      };
      // What is not known comes last, whichever way the rest goes.
      order = [...rows].sort((row, other) => {
        const left = by.get(row), right = by.get(other);
        if (blank(left) || blank(right)) return blank(left) - blank(right);
        return up ? compare(left, right) : compare(right, left);
      });
      for (const heading of heads) heading.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      sorted = `, by ${head.textContent}, ${up ? "ascending" : "descending"}`;
      apply();
    };

    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => sort(column));
      head.replaceChildren(button);
    });
    filter.addEventListener("input", apply);
    document.getElementById("more-rows").addEventListener("click", () => { shown += first; draw(); });
    document.getElementById("all-rows").addEventListener("click", () => { shown = filtered.length; draw(); });
    document.getElementById("tools").hidden = false;
    draw();
  };

  addEventListener("DOMContentLoaded", () => { themes(); results(); });
})();
