// What keys do; the help in page.html lists them.

export function listenToKeys({ player, room, crowd, theme, help, last }) {
  const keys = {
    " ": player.toggle,
    ArrowLeft: (event) => player.step(event.shiftKey ? -player.second : -1),
    ArrowRight: (event) => player.step(event.shiftKey ? player.second : 1),
    Home: () => player.jump(0),
    End: () => player.jump(last),
    "-": () => player.hurry(-1),
    "+": () => player.hurry(1),
    v: room.turn,
    f: room.follow,
    n: crowd.next,
    h: () => crowd.toggle(),
    t: theme,
    "?": help,
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    const itsOwn = event.target.matches("select") || (event.key === " " && event.target.matches("button"));
    const action = /^[1-9]$/.test(event.key) ? () => crowd.pick(Number(event.key) - 1) : keys[event.key];
    if (!action || itsOwn) return;
    event.preventDefault();
    action(event);
  });
}
