"""The daily root in real processes: two runners with a runner's rights, one root, one key."""

import pytest

from tests.cases.real import until
from tests.installation import Installation

pytestmark = [pytest.mark.slow]


def test_two_runners_make_one_root_that_verify_believes(installation: Installation):
    place = installation
    place.run()
    place.run()
    until(lambda: place.sql("SELECT count(*) FROM record_root") == [(1,)], 40, place.log("run"))
    folder = place.home / "home" / "keys"
    until(lambda: (folder / "roots.txt").exists(), 40)
    said = place.jieli("verify", "--root")
    assert "0 chains checked, 0 broken." in said
    assert "1 roots checked, 0 not right" in said
    private = (folder / "root.key").read_text()
    assert (folder / "root.key").stat().st_mode & 0o777 == 0o600
    assert private.splitlines()[1] not in (place.home / "run.log").read_text(errors="replace")
    copy = place.home / "copy.txt"
    place.jieli("roots", "--export", str(copy))
    assert "1 roots checked, 0 not right" in place.jieli("verify", "--root", str(copy))
