/* Looks for a QR code in pictures of the camera, in a thread of its own. */
import decodeQR from "{{ decoder|escapejs }}";

addEventListener("message", ({ data: { id, width, height, pixels } }) => {
  let text = null;
  try {
    text = decodeQR({ width, height, data: new Uint8ClampedArray(pixels) });
  } catch {
    /* No code in this picture. */
  }
  postMessage({ id, text });
});
postMessage({ ready: true });
