// Puts the page together. `#frame=12&view=side` in the address opens it there.

import { readClip } from "./clip.js";
import { createFigure } from "./figure.js";
import { createGround } from "./ground.js";
import { createKeypoints } from "./keypoints.js";
import { followPalette } from "./palette.js";
import { createPlayer } from "./player.js";
import { createRenderer, createStage } from "./stage.js";

const element = (id) => document.getElementById(id);
const clip = readClip(element("clip").textContent);
const input = createKeypoints(element("keypoints"), element("keypoints-note"), clip.keypoints);
const motion = createMotion();
const player = createPlayer(clip, (frame) => [input, motion].forEach((panel) => panel.show(frame)));

function createMotion() {
  const renderer = createRenderer(element("figure"));
  element("unavailable").hidden = renderer !== null;
  element("views").hidden = renderer === null;
  if (!renderer) return { look() {}, show() {}, paint() {} };

  const figure = createFigure(clip.poses);
  const ground = createGround(figure.points);
  const buttons = document.querySelectorAll("#views button");
  const stage = createStage(renderer, buttons, [figure.object, ground.object], figure.extent);
  return {
    look: stage.look,
    show(frame) {
      figure.show(frame);
      element("figure-note").textContent = figure.describe(frame);
      stage.draw();
    },
    paint(palette) {
      figure.paint(palette);
      ground.paint(palette);
      stage.draw();
    },
  };
}

function open() {
  const wish = new URLSearchParams(location.hash.slice(1));
  motion.look(wish.get("view") ?? "front");
  player.jump((Number.parseInt(wish.get("frame")) || 1) - 1);
}

followPalette((palette) => [input, motion, player].forEach((part) => part.paint(palette)));
addEventListener("hashchange", open);
open();
