// Explains what can be seen in this clip, and nothing else.

export function createLegend(list, { people, camera, imageSize }) {
  const filled = people.some(({ keypoints }) => keypoints?.confidence.some((sure) => sure === 0));
  const unseen = people.some(({ observed }) => observed.some((seen) => !seen));
  const there = {
    left: true,
    right: true,
    filled,
    error: filled && people.some(({ keypoints }) => keypoints?.error.some((error) => error > 0)),
    unseen,
    camera: camera !== null && imageSize !== null,
  };
  for (const item of list.children) item.hidden = !there[item.dataset.what];
  list.dataset.people = people.length > 1 ? "several" : "one";
}
