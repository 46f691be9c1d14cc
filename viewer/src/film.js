// The embedded video: which frame its picture belongs to, and how to get to another.

import { frameAt } from "./clip.js";

// Pictures have the times of the frames, the first at 0.
export function createFilm(video, address, times) {
  let shown = null; // the frame that the video's picture belongs to
  let wanted = 0;
  let picture = video;
  const listeners = [];

  // A little after the picture's beginning, so that rounding never leads to the one before.
  const begin = (frame) => times[frame] + 0.25 * ((times[frame + 1] ?? times[frame] + 0.04) - times[frame]);

  // By the time this runs the video may show a later picture than `mediaTime` says: a VideoFrame knows its own.
  function take(mediaTime) {
    if (!("VideoFrame" in window)) return mediaTime;
    if (picture !== video) picture.close();
    picture = new VideoFrame(video);
    return picture.timestamp / 1e6;
  }

  function arrived(_, { mediaTime }) {
    shown = frameAt(times, take(mediaTime));
    if (!video.paused) wanted = shown;
    video.requestVideoFrameCallback(arrived);
    for (const listener of listeners) listener(shown);
    search(); // a picture may still come after a pause
  }

  // One search at a time: while one is under way, only the last wish counts.
  function search() {
    if (shown !== wanted && !video.seeking && video.paused) video.currentTime = begin(wanted);
  }

  video.addEventListener("seeked", () => {
    if (Math.abs(video.currentTime - begin(wanted)) > 1e-3) search();
  });
  video.addEventListener("loadeddata", search);
  video.requestVideoFrameCallback(arrived);
  video.muted = video.loop = video.playsInline = true;
  video.preload = "auto";
  video.src = address;

  return {
    video,
    picture: () => picture,
    frame: () => shown ?? wanted,
    listen: (listener) => listeners.push(listener),
    // Whether the picture is there already; otherwise listeners hear of it once it is.
    seek(frame) {
      wanted = frame;
      search();
      return shown === wanted || shown === null;
    },
  };
}
