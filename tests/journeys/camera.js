// Stands in for cameras and microphones: a canvas with the instant of each picture as a code on top,
// moving shapes below (so that an encoder has work), and a tone. `jlCameras` names what is plugged in.
(() => {
  const clock = () => performance.timeOrigin + performance.now();
  const checksum = (time) => {
    let sum = 0x5a;
    for (let rest = time; rest > 0; rest = Math.floor(rest / 256)) sum ^= rest % 256;
    return sum & 255;
  };
  const code = (context, width, height, time) => {
    const whole = Math.round(time), sum = checksum(whole), w = width / 13, h = (height * 0.25) / 4;
    for (let i = 0; i < 52; i++) {
      const bit = i < 44 ? Math.floor(whole / 2 ** i) % 2 : (sum >> (i - 44)) & 1;
      context.fillStyle = bit ? "#fff" : "#000";
      context.fillRect((i % 13) * w, Math.floor(i / 13) * h, w + 1, h + 1);
    }
  };
  const cameras = (window.jlCameras = { alpha: "#702020", beta: "#204070" });
  const running = {};
  const track = (name, width, height, rate) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d", { alpha: false });
    const blobs = Array.from({ length: 30 }, (_, i) => ({ x: (i * 97) % width, y: (i * 61) % height, r: 20 + (i * 13) % 80, dx: (i % 7) - 3, dy: (i % 5) - 2, c: `hsl(${(i * 11) % 40},70%,${30 + (i % 4) * 10}%)` }));
    const draw = () => {
      context.fillStyle = cameras[name];
      context.fillRect(0, 0, width, height);
      for (const blob of blobs) {
        [blob.x, blob.y] = [(blob.x + blob.dx + width) % width, (blob.y + blob.dy + height) % height];
        context.fillStyle = blob.c;
        context.beginPath();
        context.arc(blob.x, blob.y, blob.r, 0, 7);
        context.fill();
      }
      code(context, width, height, clock());
    };
    draw();
    const stream = canvas.captureStream(rate);
    const made = stream.getVideoTracks()[0];
    const timer = setInterval(draw, 1000 / rate);
    const stop = made.stop.bind(made);
    made.stop = () => { clearInterval(timer); stop(); };
    const settings = made.getSettings.bind(made);
    made.getSettings = () => ({ ...settings(), deviceId: name });
    Object.defineProperty(made, "label", { value: `Camera ${name}` });
    (running[name] ??= []).push({ made, timer, stop });
    return made;
  };
  const tone = () => {
    const audio = new AudioContext(), source = audio.createOscillator(), volume = audio.createGain(), slow = audio.createOscillator();
    slow.frequency.value = 3;
    slow.connect(volume.gain);
    const out = audio.createMediaStreamDestination();
    source.connect(volume).connect(out);
    source.start();
    slow.start();
    return out.stream.getAudioTracks()[0];
  };
  window.jlUnplug = (name) => {
    delete cameras[name];
    for (const one of running[name] ?? []) {
      clearInterval(one.timer);
      one.stop();
      one.made.dispatchEvent(new Event("ended"));
    }
    running[name] = [];
    navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
  };
  window.jlPlug = (name, colour) => {
    cameras[name] = colour;
    navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
  };
  if (!navigator.mediaDevices) return;
  const size = (wanted, fallback) => wanted?.ideal ?? fallback;
  navigator.mediaDevices.getUserMedia = async ({ video, audio }) => {
    const tracks = [];
    if (video) {
      const name = video.deviceId?.exact ?? Object.keys(cameras)[0];
      if (!cameras[name]) throw new DOMException("no camera", "NotFoundError");
      tracks.push(track(name, size(video.width, 1280), size(video.height, 720), size(video.frameRate, 30)));
    }
    if (audio) tracks.push(tone());
    return new MediaStream(tracks);
  };
  navigator.mediaDevices.enumerateDevices = async () => [
    ...Object.keys(cameras).map((name) => ({ kind: "videoinput", deviceId: name, label: `Camera ${name}`, groupId: "" })),
    { kind: "audioinput", deviceId: "tone", label: "Tone", groupId: "" },
  ];
})();
