"""Names in the order of their sound: a pinyin key that knows how surnames are read."""

from pypinyin import lazy_pinyin

# Characters that sound differently when they are a surname.
SURNAMES = {
    "单": "shan", "曾": "zeng", "解": "xie", "仇": "qiu", "区": "ou", "查": "zha", "任": "ren",
    "盖": "ge", "华": "hua", "朴": "piao", "翟": "zhai", "秘": "bi", "种": "chong", "重": "chong",
    "乐": "yue", "员": "yun", "覃": "qin", "洗": "xian", "冼": "xian", "逄": "pang", "折": "she",
    "缪": "miao", "宓": "mi", "召": "shao", "黑": "he", "车": "che", "燕": "yan", "纪": "ji",
    "葛": "ge", "那": "na", "哈": "ha", "句": "gou", "隗": "wei", "郇": "xun", "郗": "xi",
    "佴": "nai", "繁": "po", "祭": "zhai", "宿": "su", "过": "guo", "都": "du", "能": "nai",
    "牟": "mu", "应": "ying", "盛": "sheng", "殷": "yin", "薄": "bo", "卜": "bu", "晁": "chao",
    "阚": "kan", "尉": "wei", "撒": "sa", "沈": "shen", "石": "shi", "谌": "chen", "尹": "yin",
    "幺": "yao", "教": "jiao", "曲": "qu", "钻": "zuan", "宁": "ning", "臧": "zang", "藏": "zang",
    "长": "chang", "行": "xing", "降": "jiang", "相": "xiang", "强": "qiang", "少": "shao",
    "万俟": "mo qi", "尉迟": "yu chi", "单于": "chan yu", "长孙": "zhang sun", "令狐": "ling hu",
    "澹台": "tan tai", "欧阳": "ou yang", "上官": "shang guan", "司马": "si ma", "诸葛": "zhu ge",
    "皇甫": "huang fu", "东方": "dong fang", "慕容": "mu rong", "公孙": "gong sun",
    "夏侯": "xia hou", "独孤": "du gu", "呼延": "hu yan", "宇文": "yu wen", "南宫": "nan gong",
    "司徒": "si tu",
}  # fmt: skip
POINTS = "·•・‧"  # stand between the parts of a name that has no Chinese surname


def sort_key(name: str, *, person: bool = True, length: int = 160) -> str:
    """`单秀兰` → `shan xiu lan`. A character that nobody can sound stays as it is, at the end."""
    name = name.strip()
    surname = _surname(name) if person else ""
    rest = [part for part in name[len(surname) :] if part not in POINTS]
    sounds = lazy_pinyin("".join(rest))
    spoken = [SURNAMES[surname], *sounds] if surname else sounds
    return " ".join(" ".join(spoken).lower().split())[:length]


def _surname(name: str) -> str:
    if any(point in name for point in POINTS):
        return ""
    return next((name[:n] for n in (2, 1) if len(name) > n and name[:n] in SURNAMES), "")
