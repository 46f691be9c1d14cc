// Numbers above people's heads, where there are several.

import { Vector3 } from "three";

const ABOVE = 0.1; // metres

export function createTags(panel, people) {
  const tags = people.length < 2 ? [] : people.map(({ number }) => {
    const tag = document.createElement("span");
    tag.textContent = number;
    panel.append(tag);
    return tag;
  });
  const place = new Vector3();
  let [width, height] = [0, 0];
  new ResizeObserver(() => ([width, height] = [panel.clientWidth, panel.clientHeight])).observe(panel);

  return {
    // there(at): the points of a person, null where there is nobody to be seen.
    follow(camera, there) {
      tags.forEach((tag, at) => {
        const points = there(at)?.filter((point) => !Number.isNaN(point.x));
        tag.hidden = !points?.length;
        if (tag.hidden) return;
        place.copy(points[people[at].root] ?? points[0]);
        place.z = ABOVE + points.reduce((highest, point) => Math.max(highest, point.z), 0);
        place.project(camera);
        tag.hidden = place.z > 1;
        const [x, y] = [(width * (1 + place.x)) / 2, (height * (1 - place.y)) / 2];
        tag.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translate(-50%, -110%)`;
      });
    },
    paint(colours) {
      tags.forEach((tag, at) => tag.style.setProperty("--colour", colours[at].middle));
    },
  };
}
