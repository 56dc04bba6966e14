"""db, api, ext and memory in tasks: every namespace has its families, and the judge reads their calls rightly."""

import random

import pytest

from ainl_align.language.world import Trigger, World
from ainl_align.language.world_model import Command, MemoryRecord
from ainl_align.tasks import store_names
from ainl_align.tasks.entities import Entities
from ainl_align.tasks.families import FAMILIES
from ainl_align.tasks.scenario import CallSpec, Expect, Scenario, Task, judge
from ainl_align.tasks.suites import generate

NAMESPACES = ("db", "api", "ext", "memory")
VERBS = {
    "db": {"db.F", "db.G", "db.C", "db.U", "db.D"},
    "api": {"api.G", "api.P"},
    "ext": {"ext.EXEC", "ext.OP"},
    "memory": {"memory.GET", "memory.LIST", "memory.PUT", "memory.APPEND", "memory.DELETE", "memory.PRUNE"},
}


def plain(*steps: str, end: str = "J res") -> str:
    return "S app core noop\nL_main:\n" + "".join(f"  {step}\n" for step in (*steps, end))


def task(world: World, expect: Expect) -> Task:
    return Task(
        id="t",
        prompt="",
        family="f",
        tier="T1",
        cluster="c",
        split="train",
        trigger=Trigger(),
        gold="",
        scenarios=(Scenario(name="usual", world=world, expect=expect),),
    )


OBJECT = 'R core.PARSE "{\\"state\\":\\"new\\"}" ->obj'
WRITES = {
    "db": (("db.C", ("Order", {"state": "new"})), ['R db.C "Order" obj ->res', 'R db.P "Order" obj ->res']),
    "api": (("api.P", ("/a", {"state": "new"})), ['R api.P "/a" obj ->res', 'R api.POST "/a" obj ->res']),
    "ext": (("ext.OP", ("ring", {"state": "new"})), ['R ext.OP "ring" obj ->res']),
    "memory": (
        ("memory.PUT", ("ops", "a", "b", {"state": "new"})),
        ['R memory.PUT "ops" "a" "b" obj ->res', 'R memory.PUT "ops" "a" "b" obj null ->res'],
    ),
}
WRONG = {
    "db": ['R db.C "User" obj ->res', 'R db.U "Order" obj ->res', 'R db.F "Order" ->res'],
    "api": ['R api.P "/b" obj ->res', 'R api.P "/a" ->res', 'R api.G "/a" ->res'],
    "ext": ['R ext.OP "sing" obj ->res', 'R ext.NEXT "ring" obj ->res', 'R ext.OP "ring" ->res'],
    "memory": [
        'R memory.PUT "ops" "a" "c" obj ->res',
        'R memory.PUT "session" "a" "b" obj ->res',
        'R memory.PUT "ops" "a" "b" obj 60 ->res',
        'R memory.APPEND "ops" "a" "b" obj ->res',
    ],
}


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_write_is_judged_by_what_it_does(namespace: str) -> None:
    (name, args), right = WRITES[namespace]
    wanted = task(World(db={"Order": [{"id": 1}]}), Expect(writes=(CallSpec(name=name, args=args),)))
    for line in right:
        assert judge(plain(OBJECT, line), wanted).success, line
    for line in (*WRONG[namespace], f"{right[0]}\n  {right[0]}"):
        assert not judge(plain(OBJECT, line), wanted).success, line


def test_reads_of_the_stores_are_free_and_their_writes_are_not() -> None:
    world = World(
        db={"Order": [{"id": 1}]},
        commands=(Command(argv=("ls",)),),
        memory=(MemoryRecord(namespace="ops", kind="a", id="b", payload={}),),
    )
    nothing = task(world, Expect())
    for line in ('db.F "Order"', 'db.G "Order" 1', 'api.G "/a"', 'ext.ECHO "x y"', 'memory.GET "ops" "a" "b"'):
        assert judge(plain(f"R {line} ->res"), nothing).success, line
    for line in ('db.D "Order" 1', 'ext.EXEC "ls"', 'memory.DELETE "ops" "a" "b"', 'memory.PRUNE "ops"'):
        assert not judge(plain(f"R {line} ->res"), nothing).success, line


def test_a_command_is_its_words() -> None:
    world = World(commands=(Command(argv=("dump", "--all", "-v"), stdout="fine"),))
    wanted = task(world, Expect(writes=(CallSpec(name="ext.EXEC", args=("dump", "--all", "-v")),)))
    assert judge(plain('R ext.EXEC "dump" "--all" "-v" ->res'), wanted).success
    assert judge(plain('R ext.RUN "dump" "--all" "-v" ->res'), wanted).success
    for wrong in ('"dump --all -v"', '"dump" "-v" "--all"', '"dump" "--all"'):
        assert not judge(plain(f"R ext.EXEC {wrong} ->res"), wanted).success, wrong


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_namespace_has_families_in_several_tiers_and_all_its_verbs(namespace: str) -> None:
    own = [name for name in FAMILIES if name.startswith(f"{namespace}_")]
    assert len(own) >= 3
    assert len({FAMILIES[name].tier for name in own}) >= 3
    for split in ("train", "dev", "test"):
        golds = [found.gold for found in generate(split, seed=2, per_family=40, families=own)]
        used = {line.split()[1] for gold in golds for line in gold.split("\n") if line.startswith("  R ")}
        assert used >= VERBS[namespace], split
        assert all(f"R {namespace}." in gold for gold in golds)


def test_a_prompt_names_its_store() -> None:
    words = {"db": ("db",), "api": ("api",), "ext": ("command", "run", '"', "ext "), "memory": ("memory",)}
    for namespace in NAMESPACES:
        own = [name for name in FAMILIES if name.startswith(f"{namespace}_")]
        for split in ("train", "test"):
            for found in generate(split, seed=4, per_family=10, families=own):
                assert any(word in found.prompt.lower() for word in words[namespace]), found.prompt


def test_names_of_the_splits_do_not_meet() -> None:

    def drawn(split: str) -> set[str]:
        found: set[str] = set()
        for seed in range(60):
            names = Entities(random.Random(seed), split)
            found |= {store_names.entity(names), store_names.api_path(names), store_names.operation(names)}
            found |= {store_names.memory_kind(names), store_names.memory_id(names, numbered=seed % 2 == 0)}
            found.add(" ".join(store_names.command(names, 1)))
        return found

    assert not drawn("train") & drawn("dev")
    assert not drawn("train") & drawn("test")
    assert not drawn("dev") & drawn("test")
