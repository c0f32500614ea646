"""The time-to-definitive-care planner: which option, how surely, and what bars the rest.

`plan(instance)` gives ranks and figures, `changes(plan)` what would change them (asked for apart,
for it takes longer), `answer(text)` both as JSON. Times are minutes from t0. It ranks and explains;
people decide.
"""

from jieli.rules.planner.answers import answer as answer
from jieli.rules.planner.instances import instance as instance
from jieli.rules.planner.planning import Plan as Plan
from jieli.rules.planner.planning import plan as plan
from jieli.rules.planner.reading import BadInstance as BadInstance
from jieli.rules.planner.sensitivities import changes as changes
