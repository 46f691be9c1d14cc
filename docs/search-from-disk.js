// Pages that are opened from disk may not start workers. There, the search's script runs in a hidden frame instead.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      this.frame = Object.assign(document.createElement("iframe"), { hidden: true });
      this.ready = new Promise((resolve) => (this.frame.onload = resolve));
      window.addEventListener("message", (event) => {
        if (event.source === this.frame.contentWindow) this.onmessage?.(event);
      });
      this.frame.srcdoc = `<script>
        const parent_ = parent;
        self.postMessage = (data) => parent_.postMessage(data, "*");
        self.importScripts = (...names) => names.reduce((before, name) => before.then(() => new Promise((resolve) => {
          document.body.append(Object.assign(document.createElement("script"), { src: name, onload: resolve }));
        })), Promise.resolve());
      </script><body><script src="${address}"></script>`;
      document.body.append(this.frame);
    }

    postMessage(data) {
      this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data: structuredClone(data) })));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
