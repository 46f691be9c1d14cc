// Puts the page together. `#frame=12&view=side` in the address opens it there.

import { readClip } from "./clip.js";
import { createFigure } from "./figure.js";
import { createGround } from "./ground.js";
import { createKeypoints } from "./keypoints.js";
import { followPalette } from "./palette.js";
import { createPlayer } from "./player.js";
import { createStage } from "./stage.js";

const element = (id) => document.getElementById(id);
const clip = readClip(element("clip").textContent);
const panels = [createKeypoints(element("keypoints"), element("keypoints-note"), clip.keypoints), createMotion()];
const player = createPlayer(clip, (frame) => panels.forEach((panel) => panel.show(frame)));

function createMotion() {
  const figure = createFigure(clip.poses);
  const ground = createGround();
  try {
    const buttons = document.querySelectorAll("#views button");
    const stage = createStage(element("figure"), buttons, [figure.object, ground.object], figure.extent);
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
  } catch {
    element("unavailable").hidden = false;
    element("views").hidden = true;
    return { look() {}, show() {}, paint() {} };
  }
}

function open() {
  const wish = new URLSearchParams(location.hash.slice(1));
  panels[1].look(wish.get("view") ?? "front");
  player.jump(Number(wish.get("frame") ?? 1) - 1);
}

followPalette((palette) => [...panels, player].forEach((part) => part.paint(palette)));
addEventListener("hashchange", open);
open();
