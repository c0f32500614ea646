"""Workbooks made in memory."""

import io
import zipfile

from openpyxl import Workbook

PEOPLE = [
    "工号",
    "姓名",
    "机构代码",
    "专科",
    "角色",
    "手机",
    "任职起",
    "任职止",
    "执业起始",
    "语言",
    "职称",
]
ROSTER = ["机构代码", "专科", "班次", "工号", "姓名", "开始", "结束", "备注"]
SITES = [
    "机构代码",
    "机构名称",
    "层级",
    "纬度",
    "经度",
    "时区",
    "电话",
    "医联体代码",
    "行政区划代码",
]
HEADINGS = {"人员": PEOPLE, "值班": ROSTER, "机构": SITES}


def book(**sheets) -> bytes:
    """`book(人员=[{"工号": "1", …}, …])`: rows by heading, other cells empty."""
    made = Workbook()
    made.remove(made.worksheets[0])
    for title, rows in sheets.items():
        page = made.create_sheet(title)
        headings = HEADINGS[title]
        page.append(headings)
        for row in rows:
            page.append([row.get(heading) for heading in headings])
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def packed(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
        for name, content in parts.items():
            box.writestr(name, content)
    return out.getvalue()


def person(**changes):
    return {
        "工号": "10023",
        "姓名": "祝北辰",
        "机构代码": "centre",
        "专科": "儿普外",
        "角色": "专家",
    } | changes


def turn(**changes):
    return {
        "机构代码": "centre",
        "专科": "儿普外",
        "班次": "一线",
        "工号": "e1",
        "姓名": "祝南星",
        "开始": "2026-11-23 08:00",
        "结束": "2026-11-24 08:00",
    } | changes


def site(**changes):
    return {"机构代码": "newtown", "机构名称": "新镇卫生院", "层级": "乡镇"} | changes
