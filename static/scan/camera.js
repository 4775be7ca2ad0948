/* The camera and what reads codes in its pictures: the browser's own detector, else the vendored one in a thread. */

const EVERY = 90; /* ms between two looks: eleven a second find a code at once and leave the battery alone */
const SIDE = 720; /* px: the middle square of the picture, which is where people aim */

let stream = null;
let running = false;
let reader = null;
let detector = null;

const threadReader = () => {
  const thread = new Worker(document.body.dataset.reader, { type: "module" });
  let number = 0;
  const asked = new Map();
  thread.addEventListener("message", ({ data }) => {
    asked.get(data.id)?.(data.text);
    asked.delete(data.id);
  });
  const canvas = document.createElement("canvas");
  const paper = canvas.getContext("2d", { willReadFrequently: true });
  return (video) => {
    const { videoWidth: width, videoHeight: height } = video;
    const side = Math.min(width, height);
    canvas.width = canvas.height = Math.min(side, SIDE);
    paper.drawImage(video, (width - side) / 2, (height - side) / 2, side, side, 0, 0, canvas.width, canvas.height);
    const { data } = paper.getImageData(0, 0, canvas.width, canvas.height);
    const id = ++number;
    return new Promise((resolve) => {
      asked.set(id, resolve);
      thread.postMessage({ id, width: canvas.width, height: canvas.height, pixels: data.buffer }, [data.buffer]);
    });
  };
};

const chooseReader = async () => {
  if ("BarcodeDetector" in globalThis) {
    try {
      if ((await BarcodeDetector.getSupportedFormats()).includes("qr_code")) {
        detector = new BarcodeDetector({ formats: ["qr_code"] });
        return async (video) => (await detector.detect(video))[0]?.rawValue ?? null;
      }
    } catch {
      /* It is there and does not work, as on some desktops. */
    }
  }
  return threadReader();
};

const look = async (video, onCode) => {
  while (running) {
    const began = performance.now();
    if (video.readyState >= 2 && !document.hidden) {
      let text = null;
      try {
        text = await reader(video);
      } catch {
        if (detector) {
          detector = null;
          reader = threadReader();
        }
      }
      if (text && running) onCode(text);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(20, EVERY - (performance.now() - began))));
  }
};

/* Starts; throws what getUserMedia throws (NotAllowedError, NotFoundError, …). */
export const start = async (video, onCode) => {
  if (running) return;
  if (!navigator.mediaDevices?.getUserMedia) throw new DOMException("", "NotFoundError");
  stream = await navigator.mediaDevices.getUserMedia({
    audio: false,
    video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } },
  });
  video.srcObject = stream;
  await video.play();
  reader ||= await chooseReader();
  running = true;
  look(video, onCode);
};

export const stop = (video) => {
  running = false;
  for (const track of stream?.getTracks() || []) track.stop();
  stream = null;
  video.srcObject = null;
};

export const isRunning = () => running;
export const how = () => (detector ? "browser" : "library");

const track = () => stream?.getVideoTracks()[0];
export const hasTorch = () => Boolean(track()?.getCapabilities?.().torch);
export const torch = (on) => track()?.applyConstraints({ advanced: [{ torch: on }] });
