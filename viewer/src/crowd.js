// Who is in focus and who is shown: a row of switches, one a person. For one person there is none.

// changed(): called when another is in focus, or somebody is hidden or shown.
export function createCrowd(row, people, changed) {
  const hidden = new Set();
  const crowd = { focus: 0, shown: (at) => !hidden.has(at), pick, next, toggle };
  row.hidden = people.length < 2;
  const chips = (people.length < 2 ? [] : people).map(({ number }, at) => {
    const chip = document.createElement("span");
    chip.className = "chip";
    chip.innerHTML =
      '<button type="button" class="who"><i></i><span></span></button>' +
      '<button type="button" class="eye"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 3C4.4 3 1.7 5.7.7 8c1 2.3 3.7 5 7.3 5s6.3-2.7 7.3-5c-1-2.3-3.7-5-7.3-5zm0 8.3A3.3 3.3 0 1 1 8 4.7a3.3 3.3 0 0 1 0 6.6zM8 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4z"/></svg></button>';
    const [who, eye] = chip.querySelectorAll("button");
    who.querySelector("span").textContent = `Person ${number}`;
    who.title = `Focus on person ${number}${at < 9 ? ` (${at + 1})` : ""}`;
    eye.setAttribute("aria-label", `Show person ${number}`);
    eye.title = `Show or hide person ${number}`;
    who.addEventListener("click", () => pick(at));
    eye.addEventListener("click", () => toggle(at));
    row.append(chip);
    return { chip, who, eye };
  });

  function mark() {
    chips.forEach(({ chip, who, eye }, at) => {
      chip.classList.toggle("hidden", hidden.has(at));
      who.setAttribute("aria-pressed", at === crowd.focus);
      eye.setAttribute("aria-pressed", !hidden.has(at));
    });
  }

  function pick(at) {
    if (at >= people.length) return;
    crowd.focus = at;
    hidden.delete(at);
    mark();
    changed();
  }

  function next() {
    pick((crowd.focus + 1) % people.length);
  }

  function toggle(at = crowd.focus) {
    if (people.length < 2) return;
    if (!hidden.delete(at)) hidden.add(at);
    mark();
    changed();
  }

  mark();
  crowd.paint = (colours) => chips.forEach(({ chip }, at) => chip.style.setProperty("--colour", colours[at].middle));
  return crowd;
}
