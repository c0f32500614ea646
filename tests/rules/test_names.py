import pytest

from jieli.rules.names import sort_key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("单秀兰", "shan xiu lan"),
        ("曾国强", "zeng guo qiang"),
        ("解放", "xie fang"),
        ("仇英", "qiu ying"),
        ("区小明", "ou xiao ming"),
        ("查良", "zha liang"),
        ("任宁", "ren ning"),
        ("盖世", "ge shi"),
        ("万俟雪", "mo qi xue"),
        ("欧阳锋", "ou yang feng"),
        ("秘", "mi"),
        ("阿依努尔·卡德尔", "a yi nu er ka de er"),
        ("䶮某", "yan mou"),
        ("𠮷田", "𠮷 tian"),
        ("Nguyễn Văn", "nguyễn văn"),
        ("  ", ""),
    ],
)
def test_a_name_sorts_by_its_sound(name, key):
    assert sort_key(name) == key


def test_a_hospital_has_no_surname():
    assert sort_key("单县中心医院", person=False).startswith(("dan", "shan"))


def test_a_key_fits_its_column():
    assert len(sort_key("曾" * 200)) == 160
