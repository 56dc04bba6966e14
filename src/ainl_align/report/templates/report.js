"use strict";
// Opening, filtering, searching and sorting the samples. Without it every sample is open and everything is readable.
(() => {
  const table = document.getElementById("sample-table");
  if (!table) return;
  const form = document.getElementById("filters");
  const count = document.getElementById("count");
  const unfold = document.getElementById("unfold");
  const bodies = [...table.tBodies];
  const texts = new Map();

  const text = (body) => {
    if (!texts.has(body)) texts.set(body, body.textContent.toLowerCase());
    return texts.get(body);
  };
  const show = (body, open) => {
    body.querySelector(".detail").hidden = !open;
    body.querySelector(".open").setAttribute("aria-expanded", String(open));
  };
  const isOpen = (body) => !body.querySelector(".detail").hidden;

  const filter = () => {
    const wanted = new FormData(form);
    const words = wanted.get("search").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const body of bodies) {
      let fits = words.every((word) => text(body).includes(word));
      for (const [key, value] of wanted) {
        if (key !== "search" && value && body.dataset[key] !== value) fits = false;
      }
      body.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} of ${bodies.length} samples`;
  };

  const goTo = () => {
    const body = location.hash.startsWith("#s-") && document.getElementById(location.hash.slice(1));
    if (!body || !bodies.includes(body)) return;
    form.reset();
    filter();
    show(body, true);
    body.scrollIntoView();
  };

  for (const body of bodies) {
    show(body, false);
    body.querySelector(".open").addEventListener("click", () => {
      show(body, !isOpen(body));
      if (isOpen(body)) history.replaceState(null, "", `#${body.id}`);
    });
  }
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));

  unfold.addEventListener("click", () => {
    const open = unfold.getAttribute("aria-pressed") !== "true";
    for (const body of bodies) show(body, open);
    unfold.setAttribute("aria-pressed", String(open));
    unfold.textContent = open ? "Close all" : "Open all";
  });

  for (const button of table.querySelectorAll(".sort")) {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const down = head.getAttribute("aria-sort") === "ascending";
      const key = button.dataset.sort;
      for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const compare = (a, b) => a.dataset[key].localeCompare(b.dataset[key], "en", { numeric: true });
      bodies.sort((a, b) => (down ? compare(b, a) : compare(a, b)));
      table.append(...bodies);
    });
  }

  for (const link of document.querySelectorAll("a[data-filter]")) {
    link.addEventListener("click", () => {
      const field = form.elements[link.dataset.filter];
      if (!field) return;
      form.reset();
      field.value = link.dataset.value;
      filter();
    });
  }
  window.addEventListener("hashchange", goTo);
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((item) => (item.open = true)));
  goTo();
})();
