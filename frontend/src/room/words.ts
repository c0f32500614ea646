// What a room says, in the language of the page.
const chinese = {
  ms: "毫秒", kbps: "千比特/秒", minutes: "分",
  good: "好", fair: "可用", slow: "偏慢", bad: "先冻结再画", none: "没有画面", 
  comma: "，", at95: "95% ≤",
  field: "术野", endoscope: "腔镜", monitor: "监护", overview: "全景", face: "人像", screen: "屏幕",
  live: "实时", frozen: "冻结", stillOf: "静止画面", mine: "本机",
  speaking: "说话中", waiting: "正在连接", lost: "失去联系", watching: "在看", muted: "静音", hand: "举手",
  alone: "等其他人进入房间。", offline: "与服务器断开，画面和声音照常，记录稍后补上。",
  full: "全部画面", fewer_feeds: "只传主画面", lower_picture: "降低清晰度", stills: "静止画面和声音", voice: "只有声音", text: "只有文字，请打电话",
  down: "听不到对方，正在重连。", call: "打电话：",
  unplugged: "断开了，重新插上会自动恢复。", denied: "浏览器不允许使用，请在地址栏旁放行。", busy: "被其他程序占用，请关掉那个程序。",
  nodevice: "没有找到。可以不带它加入。", insecure: "浏览器只在 https 下开放摄像头和话筒。仍可看和听。", sound: "点一下屏幕，打开声音。",
  refused: "没有记下：", unsaved: "冻结画面没有存上：", out: "您已离开房间。", crowded: "发送过快，已断开。重新加入即可。",
  again: "重新加入", back: "返回病例", kept: "已存入病例", keeping: "正在存入病例", keep: "存入病例", unkept: "没有存上，请再按一次。",
  unmute: "开声", mute: "静音", peek: "这是您的画面", nocamera: "没有摄像头画面", link: "往返", weak: "偏弱", camera: "摄像头", microphone: "话筒",
  hide: "停止", nothing: "本机没有送出画面。", freezeFirst: "延迟大：先冻结，再画。", toLive: "回到实时", unstored: "张冻结画面待存",
  speakNow3: "请说话，3 秒后放给您听", speakNow: "发言", mayAsk: "主讲请您发言：点“发言”打开话筒。", unrecorded: "这个浏览器不能录制。请换新版浏览器，或用另一台设备加入。", diskServer: "本机磁盘已满：录制只传服务器，不要断网。", diskBrowser: "服务器磁盘已满：录制先存本机，有空间再传。", diskNone: "本机和服务器都存不下了，录制已停。请腾出空间。", allUp: "已全部上传", behind: "分钟尚未上传", uploading: "正在上传", noFrames: "冻结的画面排在这里，点一下就存入病例。", noone: "没有画面可冻结。", handUp: "举手", handDown: "放下", step: "链路",
};
type Words = typeof chinese;
const english: Words = {
  ms: "ms", kbps: "kbit/s", minutes: "min",
  good: "good", fair: "usable", slow: "slow", bad: "freeze before you draw", none: "no picture", 
  comma: ", ", at95: "95% ≤",
  field: "Field", endoscope: "Endoscope", monitor: "Monitor", overview: "Overview", face: "Face", screen: "Screen",
  live: "live", frozen: "frozen", stillOf: "still picture", mine: "this device",
  speaking: "speaking", waiting: "connecting", lost: "out of contact", watching: "watching", muted: "muted", hand: "hand up",
  alone: "Waiting for somebody else to join.", offline: "Cut off from the server. Picture and voice go on; the record catches up.",
  full: "all pictures", fewer_feeds: "main picture only", lower_picture: "smaller picture", stills: "stills and voice", voice: "voice only", text: "text only, use the telephone",
  down: "Nobody is heard. Reconnecting.", call: "Ring:",
  unplugged: "was unplugged; plug it in and it comes back.", denied: "is not allowed by the browser: allow it beside the address.", busy: "is in use by another program: close that.",
  nodevice: "was not found. You can join without it.", insecure: "The browser opens camera and microphone on https only. You can still see and hear.", sound: "Tap the screen for sound.",
  refused: "Not recorded: ", unsaved: "The frozen picture was not stored: ", out: "You have left the room.", crowded: "Sent too fast, disconnected. Join again.",
  again: "Join again", back: "To the case", kept: "Kept in the case", keeping: "Keeping in the case", keep: "Keep in the case", unkept: "Not kept. Press once more.",
  unmute: "Unmute", mute: "Mute", peek: "This is your picture", nocamera: "No camera picture", link: "there and back", weak: "weak", camera: "Camera", microphone: "Microphone",
  hide: "Stop", nothing: "This device shows nothing.", freezeFirst: "Long delay: freeze before you draw.", toLive: "Back to live", unstored: "frozen pictures to be stored",
  speakNow3: "Speak now, you hear it in 3 s", speakNow: "Speak", mayAsk: "The speaker lets you ask: tap Speak for the microphone.", unrecorded: "This browser cannot record. Use a newer one, or join with another device.", diskServer: "This disk is full: the recording goes to the server only. Keep the network on.", diskBrowser: "The server's disk is full: the recording waits here until there is room.", diskNone: "Neither this device nor the server has room: recording has stopped. Make room.", allUp: "all uploaded", behind: "min not yet uploaded", uploading: "uploading", noFrames: "Frozen pictures line up here; a tap keeps one in the case.", noone: "No picture to freeze.", handUp: "Hand up", handDown: "Hand down", step: "Link",
};

export const say: Words = document.documentElement.lang.startsWith("en") ? english : chinese;

/** HH:MM in Beijing. */
export const hm = (at: number): string =>
  new Date(at + 8 * 3600_000).toISOString().slice(11, 16);
