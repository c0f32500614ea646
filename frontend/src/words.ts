// What the islands say, in the language of the page.
const chinese = {
  d: "天", h: "时", min: "分", s: "秒", over: "超",
  passed: "时限已过",
  lost: "连接断开，正在重连。",
  lostMore: "页面上的内容可能已旧。急事直接打电话",
  offline: "没有网络。",
  signedOut: "已退出登录，这台设备不会振铃。",
  signIn: "重新登录",
  answer: "接听",
  call: "紧急求助",
  seconds: "秒",
  next: "秒后转下一位",
  blocked: "浏览器挡住了铃声。",
  unlock: "点这里出声",
  soundOn: "打开铃声",
  soundAgain: "再试一次铃声",
  soundUntried: "这台设备还没有试过铃声。",
  soundTested: "铃声可用。页面开着才会响；锁屏或关掉页面后靠电话和短信。",
  soundHeard: "正在响。没听见就调大音量、关掉静音。",
  soundBlocked: "浏览器不让出声。检查静音开关和网站的声音权限。",
  noticeDenied: "系统通知被关，网页在后台时只有声音。",
  awake: "屏幕保持常亮。",
  awakeNot: "没能保持常亮，请把自动锁屏关掉。",
  awakeNever: "这个浏览器不支持常亮，请把自动锁屏关掉。",
  used: "已用",
  saved: "内容已存本机",
  restored: "已恢复存在本机的草稿，",
  discard: "清空草稿",
  sending: "正在发送",
  weak: "信号弱，内容已存本机。",
  unsent: "未发送，正在重试。",
  ring: "30 秒没发出去，现在打电话：",
  ringPlain: "30 秒没发出去，现在打值班电话。",
  sent: "已发送。",
  open: "打开",
  refused: "有一份内容没能发出，请您再看一下。",
  notKept: "这里存不了草稿（需要 https）。发出去之前不要关这一页。",
  keptCopy: "这是存在本机的副本，存于",
  beijing: "北京时间",
  waitingSealed: "份内容还没发出去，已加密存在本机，有网就发。",
  draftsSealed: "份草稿已加密存在本机，有网再打开。",
  expired: "页面已过期。内容已存本机，刷新后再发。",
  waiting: "份内容还没发出去，正在重试。",
  loseDrafts: "本机还有没发出去的内容，退出登录会删掉。",
  scaling: "正在缩小",
  uploaded: "已上传",
  smallUploaded: "小图已上传，原图随后",
  original: "原图",
  originalUploaded: "已上传，原图也到了",
  sendOriginal: "传原图",
  expiredUpload: "页面已过期。刷新后再选一次这个文件，会从断处接着传。",
  failed: "没有传上去",
  passkeyStopped: "没有完成。再试一次，或者换一种方式。",
  passkeyKnown: "这台设备已经有您的通行密钥。",
  copied: "已复制",
  recWaiting: "录像还没传到服务器：",
  recKeep: "这一页开着就会继续传。",
  recOthers: "这台电脑上还有别人的录像没传完，请其本人在这里登录：",
  recFull: "服务器磁盘已满，录像先存在这台电脑上，有空间后自动续传。",
  recDone: "录像已全部传到服务器。",
  recRefused: "有一段录像服务器不收，仍留在这台电脑上。请联系信息科：",
  yes: "确定",
  no: "不做",
};
type Words = typeof chinese;
const english: Words = {
  d: "d", h: "h", min: "min", s: "s", over: "over",
  passed: "A limit has passed",
  lost: "Connection lost, reconnecting.",
  lostMore: "What you see may be old. If it is urgent, ring",
  offline: "No network.",
  signedOut: "You are signed out: this device will not ring.",
  signIn: "Sign in again",
  answer: "Answer",
  call: "Urgent page",
  seconds: "s",
  next: "s, then the next person",
  blocked: "The browser blocked the sound.",
  unlock: "Tap for sound",
  soundOn: "Turn the ring on",
  soundAgain: "Test the ring again",
  soundUntried: "The ring was never tried on this device.",
  soundTested: "The ring works. It sounds while this page is open; otherwise telephone and SMS.",
  soundHeard: "Ringing now. Not heard? Turn the volume up and the mute switch off.",
  soundBlocked: "The browser refuses sound. Check the mute switch and the site's sound permission.",
  noticeDenied: "System notices are off: in the background there is only sound.",
  awake: "The screen stays on.",
  awakeNot: "The screen could not be kept on: turn auto-lock off.",
  awakeNever: "This browser cannot keep the screen on: turn auto-lock off.",
  used: "Used",
  saved: "Kept on this device",
  restored: "A draft kept on this device was restored, ",
  discard: "Clear the draft",
  sending: "Sending",
  weak: "Weak signal: kept on this device.",
  unsent: "Not sent yet, trying again.",
  ring: "Not sent in 30 seconds. Ring now:",
  ringPlain: "Not sent in 30 seconds. Ring the duty telephone now.",
  sent: "Sent.",
  open: "Open",
  refused: "Something could not be sent. Please look at it again.",
  notKept: "Drafts cannot be kept here (that needs https). Leave this page open until it is sent.",
  keptCopy: "This is the copy kept on this device at",
  beijing: "Beijing time",
  waitingSealed: "not sent yet: kept here, encrypted, and sent once there is a network.",
  draftsSealed: "drafts kept here, encrypted; they open once there is a network.",
  expired: "This page is too old. Your text is kept: reload and send again.",
  waiting: "not sent yet, trying again.",
  loseDrafts: "Something on this device was not sent yet. Signing out deletes it.",
  scaling: "Making it smaller",
  uploaded: "Uploaded",
  smallUploaded: "Small picture uploaded, the original follows",
  original: "Original",
  originalUploaded: "Uploaded, with its original",
  sendOriginal: "Send the original",
  expiredUpload: "This page is too old. Reload and choose the file again: it goes on where it stopped.",
  failed: "Not uploaded",
  passkeyStopped: "That was not completed. Try again, or use another way.",
  passkeyKnown: "This device already has a passkey of yours.",
  copied: "Copied",
  recWaiting: "Recordings not yet on the server:",
  recKeep: "They are sent while this page is open.",
  recOthers: "This computer still has recordings of somebody else, who must sign in here:",
  recFull: "The server's disk is full. Recordings stay on this computer and follow when there is room.",
  recDone: "All recordings are on the server.",
  recRefused: "The server does not take a part of a recording; it stays on this computer. Ask IT:",
  yes: "Yes",
  no: "No",
};

export const words: Words = document.documentElement.lang.startsWith("en") ? english : chinese;

const two = (n: number): string => String(n).padStart(2, "0");

/** The two units that matter, as the template filter `dur` writes them. */
export function durationParts(seconds: number): [string, string][] {
  const all = Math.abs(Math.trunc(seconds));
  const days = Math.floor(all / 86400);
  const hours = Math.floor((all % 86400) / 3600);
  const minutes = Math.floor((all % 3600) / 60);
  const rest = all % 60;
  if (days >= 3) return hours ? [[`${days}`, words.d], [`${hours}`, words.h]] : [[`${days}`, words.d]];
  const h = hours + days * 24;
  if (h) return minutes ? [[`${h}`, words.h], [two(minutes), words.min]] : [[`${h}`, words.h]];
  if (minutes >= 10 || (minutes && !rest)) return [[`${minutes}`, words.min]];
  if (minutes) return [[`${minutes}`, words.min], [two(rest), words.s]];
  return [[`${rest}`, words.s]];
}

/** The same as nodes: 13<i>时</i>58<i>分</i>. */
export function durationNodes(seconds: number): Node[] {
  const nodes: Node[] = [];
  const small = (text: string, css = ""): HTMLElement => {
    const node = document.createElement("i");
    node.textContent = text;
    if (css) node.className = css;
    return node;
  };
  if (seconds < 0) nodes.push(small(words.over, "pre"));
  for (const [number, unit] of durationParts(seconds)) {
    nodes.push(document.createTextNode(number), small(unit));
  }
  return nodes;
}
