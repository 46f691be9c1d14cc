// Upload, progress, results.

const element = (id) => document.getElementById(id);
const [form, file, drop, job, result] = ["form", "file", "drop", "job", "result"].map(element);
const KEYPOINTS = [".csv", ".h5", ".json", ".jsonl", ".npz", ".tsv"];
const EVERY = 500; // milliseconds from one question to the next

let current = null; // the job that is looked at
let sending = null; // the upload under way
let held = null; // a file of keypoints, of which something may have to be told first

async function asked(address, options) {
  const answer = await fetch(address, options);
  const found = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw new Error(found.error ?? "the server refused");
  return found;
}

const endingOf = (name) => name.match(/\.[a-z0-9]+$/i)?.[0].toLowerCase() ?? "";

// fetch tells nothing of how much was sent.
function sent(chosen, query, tell) {
  return new Promise((resolve, reject) => {
    sending = new XMLHttpRequest();
    sending.open("POST", `jobs?${query}`);
    sending.upload.onprogress = ({ loaded, total }) => tell(loaded / total);
    sending.onload = () => {
      const found = JSON.parse(sending.responseText || "{}");
      if (sending.status === 201) resolve(found.number);
      else reject(new Error(typeof found.error === "string" ? found.error : "the server refused what is filled in"));
    };
    sending.onerror = () => reject(new Error("the server cannot be reached, or closed the connection"));
    sending.onabort = () => reject(new Error("stopped"));
    sending.send(chosen);
  });
}

function show(state, share, told = []) {
  element("state").textContent = state;
  if (share === undefined) element("progress").removeAttribute("value");
  else element("progress").value = share;
  element("told").replaceChildren(...told.map(item));
  element("more").hidden = told.length === 0;
}

function item(content) {
  const line = document.createElement("li");
  line.append(content);
  return line;
}

async function begin(chosen) {
  await forget();
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string" && value));
  query.set("ending", endingOf(chosen.name));
  job.className = "";
  job.hidden = element("stop").hidden = element("progress").hidden = false;
  result.hidden = true;
  element("name").textContent = chosen.name;
  show("being sent", 0);
  try {
    current = await sent(chosen, query, (share) => show("being sent", share));
    await follow(current);
  } catch (error) {
    failed(error.message);
  }
}

async function follow(number) {
  while (number === current) {
    const found = await asked(`jobs/${number}`);
    if (found.state === "done") return done(number, found);
    if (found.state === "failed") return failed(found.told.join("\n"));
    if (found.state === "waiting") show(`waiting; ${found.before} before it`);
    else show(found.progress.doing ?? "starting", found.progress.of ? found.progress.done / found.progress.of : undefined);
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}

function failed(reason) {
  job.className = "failed";
  element("stop").hidden = element("progress").hidden = true;
  show(reason);
}

function done(number, { told, files }) {
  element("stop").hidden = element("progress").hidden = true;
  show("done", 1, told);
  element("view").src = `jobs/${number}/view.html`;
  element("files").replaceChildren(
    ...Object.entries(files).map(([name, size]) => {
      const link = document.createElement("a");
      link.href = `jobs/${number}/${encodeURIComponent(name)}?save=true`;
      link.download = name;
      link.textContent = `${name} (${size < 1e6 ? `${Math.ceil(size / 1e3)} kB` : `${(size / 1e6).toFixed(1)} MB`})`;
      return item(link);
    }),
  );
  element("gone").textContent = "What was uploaded is deleted already; these files will be, after a while.";
  result.hidden = false;
  result.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

// A new file takes the place of the one before.
async function forget() {
  sending?.abort();
  const number = current;
  current = sending = null;
  if (number) await asked(`jobs/${number}`, { method: "DELETE" }).catch(() => {});
}

file.addEventListener("change", () => {
  const [chosen] = file.files;
  if (!chosen) return;
  file.value = "";
  held = KEYPOINTS.includes(endingOf(chosen.name)) ? chosen : null;
  element("keypoints").hidden = held === null;
  if (held) element("held").textContent = held.name;
  else begin(chosen);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (held) begin(held);
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) {
      file.files = event.dataTransfer.files;
      file.dispatchEvent(new Event("change"));
    }
  });
}
drop.addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === " ") file.click();
});
element("stop").addEventListener("click", async () => {
  await forget();
  failed("stopped");
});
