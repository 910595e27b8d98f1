// Keeps `[data-live]` up to date: its value is the address of a fragment that takes the place of what is in it.
// `data-every` is in seconds. A fragment whose first element has `data-final` is the last one.
(() => {
  "use strict";
  const place = document.querySelector("[data-live]");
  const note = document.getElementById("live-note");
  if (!place || !note) return;
  const every = 1000 * Number(place.dataset.every || 5);
  const slow = Math.max(every, 5000); // after a failure
  const giveUp = 10000; // on one answer, in milliseconds
  let read = new Date();
  let timer = 0;

  const clock = (moment) => moment.toLocaleTimeString([], { hour12: false });
  const isOver = () => place.firstElementChild?.hasAttribute("data-final");

  function tell(text, tone) {
    if (note.textContent !== text) note.textContent = text;
    note.dataset.tone = tone;
    place.toggleAttribute("data-stale", tone === "bad");
  }

  function put(html) {
    // Whoever is on a link or button with the keyboard stays there, and what was unfolded stays so.
    const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    const unfolded = [...place.querySelectorAll("details[open][data-key]")].map((each) => each.dataset.key);
    place.innerHTML = html;
    const find = (key) => place.querySelector(`[data-key="${CSS.escape(key)}"]`);
    for (const key of unfolded) find(key)?.setAttribute("open", "");
    if (focused) find(focused)?.focus({ preventScroll: true });
  }

  async function refresh() {
    clearTimeout(timer);
    if (document.hidden) return; // goes on when somebody looks
    let wait = every;
    try {
      const answer = await fetch(place.dataset.live, {
        headers: { "X-Refresh": "1" }, // does not count as being there: see tenants.staff
        redirect: "manual",
        signal: AbortSignal.timeout(giveUp),
      });
      if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
        tell(`You are no longer logged in: load the page again. The figures are of ${clock(read)}.`, "bad");
        return;
      }
      if (!answer.ok) throw new Error(answer.status);
      put(await answer.text());
      read = new Date();
      if (isOver()) return tell("", "");
      tell(`As of ${clock(read)}, refreshed every ${every / 1000} s`, "");
    } catch {
      tell(`The server cannot be reached. The figures are of ${clock(read)}; trying again.`, "bad");
      wait = slow;
    }
    timer = setTimeout(refresh, wait);
  }

  document.addEventListener("visibilitychange", () => document.hidden || isOver() || refresh());
  if (isOver()) return;
  tell(`As of ${clock(read)}, refreshed every ${every / 1000} s`, "");
  timer = setTimeout(refresh, every);
})();
