// Puts the page together. `#frame=12&view=side&person=2` in the address opens it there.

import { readClip, videoOf } from "./clip.js";
import { createCrowd } from "./crowd.js";
import { createFilm } from "./film.js";
import { listenToKeys } from "./keys.js";
import { createLegend } from "./legend.js";
import { coloursOf, followPalette } from "./palette.js";
import { createPicture } from "./picture.js";
import { createPlayer, markGaps } from "./player.js";
import { createPlots } from "./plots.js";
import { createRoom } from "./room.js";

const element = (id) => document.getElementById(id);
const clip = await readClip(element("clip").textContent, element("arrays").textContent);
const address = videoOf(element("video").textContent);
const film = address && createFilm(element("film"), address, clip.times);
const crowd = createCrowd(element("people"), clip.people, refocus);
const picture = createPictureWhereThereIsOne();
const room = createRoom(element("room"), clip, crowd);
const plots = createPlots(element("plots"), clip, crowd, (frame) => player.jump(frame));
const player = createPlayer(clip, film, (frame) => [picture, room, plots].forEach((part) => part.show(frame)));
let palette = null;

function createPictureWhereThereIsOne() {
  element("picture").hidden = clip.imageSize === null;
  if (clip.imageSize === null) return { show() {}, paint() {} };
  document.querySelector("main").style.setProperty("--aspect", clip.imageSize[0] / clip.imageSize[1]);
  element("film").hidden = film === null;
  if (film) element("picture-name").textContent = "Video and 2D input";
  return createPicture(element("picture"), clip, crowd, film);
}

// Another person is in focus, or somebody was hidden or shown.
function refocus() {
  plots.choose();
  paint();
  picture.show(player.frame());
  room.show(player.frame(), true);
}

function paint() {
  const colours = coloursOf(palette, clip.people.length);
  for (const part of [picture, room, plots]) part.paint(palette, colours);
  crowd.paint(colours);
  markGaps(element("gaps"), clip.people[crowd.focus].observed, palette.gap);
}

function open() {
  const wish = new URLSearchParams(location.hash.slice(1));
  const person = clip.people.findIndex(({ number }) => number === Number(wish.get("person")));
  if (person >= 0) crowd.pick(person);
  room.look(wish.get("view") ?? "front");
  player.jump((Number.parseInt(wish.get("frame")) || firstSeen() + 1) - 1);
}

// The first frame in which the person in focus was observed.
function firstSeen() {
  return Math.max(clip.people[crowd.focus].observed.findIndex((seen) => seen > 0), 0);
}

createLegend(element("legend"), clip);
const theme = followPalette(element("theme"), element("probe"), (next) => {
  palette = next;
  paint();
});
const help = () => element("help").showModal();
element("ask").addEventListener("click", help);
listenToKeys({ player, room, crowd, theme, help, last: clip.frames - 1 });
addEventListener("hashchange", open);
open();

// For those who look at the page by script.
window.pstmo = { clip, show: player.jump, frame: player.frame, joints: room.joints };
document.documentElement.dataset.ready = "";
