// The 3D panel: everybody where they are, on a floor, from any side.

import { Vector3 } from "three";
import { around, bounds, cellOf } from "./bounds.js";
import { createFigures } from "./figures.js";
import { createGround } from "./ground.js";
import { createCamera, createRing } from "./marks.js";
import { createShadows } from "./shadows.js";
import { createRenderer, createStage } from "./stage.js";
import { createTags } from "./tags.js";

const VIEWS = ["front", "side", "top"];

// crowd: who is in focus and who is shown; see crowd.js.
export function createRoom(panel, clip, crowd) {
  const find = (selector) => panel.querySelector(selector);
  const buttons = [...panel.querySelectorAll("[data-view]")];
  const follows = find("#follow");
  const renderer = createRenderer(find("canvas"));
  find("#unavailable").hidden = renderer !== null;
  find("#views").hidden = renderer === null;
  if (!renderer) return { look() {}, turn() {}, follow() {}, show() {}, paint() {}, joints: () => [] };

  const boxes = clip.people.map(bounds);
  const whole = around(boxes);
  const figures = createFigures(clip.people, crowd.shown);
  const cell = cellOf(whole);
  const ground = createGround(whole, cell);
  const shadows = createShadows(figures.spheres);
  const ring = createRing();
  const tags = createTags(find("#tags"), clip.people);
  const eye = clip.camera && createCamera(clip.camera, clip.imageSize ?? [4, 3]);
  const parts = [figures, ground, shadows, ring, ...(eye ? [eye] : [])];
  let frame = 0;
  let view = null;
  const stage = createStage(renderer, parts.map((part) => part.object), {
    rendering: (place, target) => eye?.fade(place, target),
    rendered: (camera) => tags.follow(camera, there),
    resized: figures.sharpen,
    turned: () => press(null),
  });
  find("#scale").textContent = `grid ${cell} m`;

  const there = (at) => (crowd.shown(at) && clip.people[at].present(frame) ? figures.points(at) : null);

  function press(name) {
    view = name;
    for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.view === name);
  }

  function look(name) {
    if (!VIEWS.includes(name)) return;
    press(name);
    const shown = boxes.filter((_, at) => crowd.shown(at));
    stage.look(name, around(shown.length ? shown : boxes));
    stage.follow(null);
    keepUp();
  }

  const following = () => follows.getAttribute("aria-pressed") === "true";

  function keepUp() {
    const person = clip.people[crowd.focus];
    if (following() && person.present(frame)) stage.follow(figures.points(crowd.focus)[person.root] ?? new Vector3());
  }

  function follow() {
    follows.setAttribute("aria-pressed", !following());
    stage.follow(null);
    keepUp();
    stage.draw();
  }

  function describe(at) {
    const person = clip.people[at];
    const points = there(at);
    if (!person.present(frame)) return "not in view";
    if (!points) return "";
    if (points.every((point) => Number.isNaN(point.x))) return "no pose";
    return person.observed[frame] ? "" : "not observed: interpolated";
  }

  function show(next, focusChanged = false) {
    frame = next;
    figures.show(frame);
    shadows.follow();
    ring.follow(clip.people.length > 1 ? there(crowd.focus) : null, clip.people[crowd.focus].root);
    if (focusChanged) stage.follow(null);
    keepUp();
    find(".note").textContent = describe(crowd.focus);
    stage.render();
  }

  for (const button of buttons) button.addEventListener("click", () => look(button.dataset.view));
  follows.addEventListener("click", follow);

  return {
    look,
    turn: () => look(VIEWS[(VIEWS.indexOf(view) + 1) % VIEWS.length]),
    follow,
    show,
    paint(palette, colours) {
      figures.paint(colours, palette.panel);
      for (const part of [ground, shadows, eye]) part?.paint(palette);
      ring.paint(colours[crowd.focus].middle);
      tags.paint(colours);
      stage.draw();
    },
    joints: figures.joints,
  };
}
