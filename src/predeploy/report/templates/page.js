"use strict";
(() => {
  const form = document.querySelector("form.filters");
  const findings = Array.from(document.querySelectorAll("article.finding"));
  const apply = () => {
    const wanted = new Set(Array.from(form.querySelectorAll("[name=severity]:checked"), (box) => box.value));
    const text = form.elements.text.value.trim().toLowerCase();
    let shown = 0;
    for (const finding of findings) {
      const match = wanted.has(finding.dataset.severity) && finding.textContent.toLowerCase().includes(text);
      finding.hidden = !match;
      shown += match ? 1 : 0;
    }
    form.querySelector("output").textContent = `${shown} of ${findings.length} findings shown`;
  };
  form.hidden = findings.length === 0;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
})();
