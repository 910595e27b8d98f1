// What all of the console's own pages share: nothing here is needed, it only makes things easier.
(() => {
  "use strict";
  // A second click on a button that is at work does nothing. The server refuses it as well.
  addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    setTimeout(() => delete form.dataset.sent, 5000); // the answer may be a page that the browser goes back from
  });
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

  // One tick for all of a page.
  addEventListener("change", (event) => {
    if (!event.target.matches("[data-tick-all]")) return;
    event.target.form.querySelectorAll("input[name=ids]").forEach((box) => (box.checked = event.target.checked));
  });

  // Empty filters are left out of the address, so that it can be read and passed on.
  addEventListener("submit", (event) => {
    if (!event.target.matches("form.filter")) return;
    for (const field of event.target.elements) if (field.name && field.value === "") field.disabled = true;
  });
})();
