"""The demo alliance, the Kashgar story and its patient's numbers: nothing of them in plain."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.installation import Installation
from tests.keys.conftest import everything

KASHGAR = Path(__file__).parents[2] / "content" / "stories" / "kashgar.yaml"
NUMBERS = ("KS-2603-0117", "KS26030117", "65010120260301123X", "20260301123", "139 8877 6655",
           "13988776655", "138 0055", "1380055", "BS-260033", "BS260033")  # fmt: skip


@pytest.mark.slow
def test_after_the_story_no_number_of_a_person_lies_in_plain(installation: Installation) -> None:
    installation.environment["JIELI_DEMO"] = "1"
    installation.jieli("demo")
    installation.serve()
    installation.run()
    text = KASHGAR.read_text()
    text = text.replace("mother: KS-M-88213", "national_id: 650101 20260301 123x")
    text = text.replace("{patient: P1,", "{patient: P1, callback: 139 8877 6655,")
    (installation.home / "kashgar.yaml").write_text(text)
    said = installation.jieli("demo", "--headless", f"--url={installation.url}",
                              f"--story-file={installation.home / 'kashgar.yaml'}")  # fmt: skip
    assert "0 do not" in said, said
    with psycopg.connect(**installation.database, autocommit=True) as link:
        dump = everything(link)
    assert dump["chart_identifier"].count("s1.") > 10
    assert "阿依仙" in dump["chart_patient"]  # names lie open: the dump does see what is there
    for table, lies in dump.items():
        for number in NUMBERS:
            assert number not in lies, (table, number)
    logs = "".join(path.read_text() for path in installation.home.glob("*.log"))
    assert "POST /cases/new/" in logs
    for number in (*NUMBERS, "阿依仙"):
        assert number not in logs
    assert "0 broken" in installation.jieli("verify")
    assert "all can be opened" in installation.jieli("seal", "--check")
