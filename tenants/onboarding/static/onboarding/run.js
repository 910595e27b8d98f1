// Follows an onboarding without loading the page again. Asks while it is under way, then stops.
(() => {
  "use strict";
  const POLL = 400; // milliseconds between two questions
  const CALM = 3000; // and after one that was not answered
  const page = document.getElementById("onboarding");
  if (!page || page.dataset.state !== "running") return;
  const byId = (id) => document.getElementById(id);
  const seconds = (value) => (value === null ? "" : `${value.toFixed(2)} s`);

  function show(run) {
    page.dataset.state = run.state;
    byId("run-state").textContent = run.state_title;
    byId("run-seconds").textContent = seconds(run.seconds);
    byId("run-failure").textContent = run.failure;
    const bar = byId("run-bar");
    bar.setAttribute("aria-valuenow", run.percent);
    bar.firstElementChild.style.width = `${run.percent}%`;
    for (const step of run.steps) {
      const item = byId("run-steps").querySelector(`[data-code="${step.code}"]`);
      if (!item) continue;
      const tries = step.tries > 1 ? ` (try ${step.tries})` : "";
      item.dataset.state = step.state;
      item.querySelector(".onboarding-spoken").textContent = ` (${step.state})`;
      item.querySelector(".onboarding-note").textContent = step.note + tries;
      item.querySelector(".onboarding-time").textContent = seconds(step.seconds);
    }
  }

  async function follow() {
    let wait = POLL;
    try {
      const answer = await fetch(page.dataset.progress, { headers: { Accept: "application/json" }, redirect: "error" });
      if (!answer.ok) throw new Error(answer.status);
      const run = await answer.json();
      show(run);
      if (run.state !== "running") return;
    } catch {
      wait = CALM;
    }
    setTimeout(follow, wait);
  }

  follow();
})();
